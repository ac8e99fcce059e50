"""Private directories and files: ours, and never half-written."""

from __future__ import annotations

import fcntl
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparkk8s_nb import localfiles
from sparkk8s_nb.errors import SparkK8sError
from sparkk8s_nb.localfiles import (
    is_locked,
    is_private_dir,
    last_line,
    private_dir,
    read_private,
    remove_quietly,
    tail,
    write_private,
)


def test_a_directory_that_is_there_is_made_private(tmp_path):
    """Whatever its mode was."""
    path = tmp_path / "d"
    path.mkdir(mode=0o755)
    assert private_dir(path).stat().st_mode & 0o777 == 0o700


def test_a_link_or_a_file_in_its_place_is_refused(tmp_path):
    """Somebody else could have put it there, in a shared /tmp."""
    (tmp_path / "file").write_text("")
    (tmp_path / "link").symlink_to(tmp_path)
    for name in ("file", "link"):
        with pytest.raises(SparkK8sError) as caught:
            private_dir(tmp_path / name)
        assert str(tmp_path / name) in caught.value.problem
        assert "SPARKK8S_RUNTIME_DIR" in caught.value.fix


def test_a_directory_of_somebody_else_is_refused(tmp_path, monkeypatch):
    """Its owner could read what we write."""
    monkeypatch.setattr(localfiles.os, "getuid", lambda: os.geteuid() + 1)
    with pytest.raises(SparkK8sError, match="is not a directory of yours"):
        private_dir(tmp_path / "d")


def test_a_directory_below_a_file_cannot_be_made(tmp_path):
    """One error, with the reason."""
    (tmp_path / "file").write_text("")
    with pytest.raises(SparkK8sError, match="cannot be made"):
        private_dir(tmp_path / "file" / "d")


def test_a_file_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    """Readers see the old content until the new is complete; nothing temporary stays."""
    path = write_private(tmp_path / "f", "old")
    assert write_private(path, b"new").read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o600

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(localfiles.Path, "replace", full)
    with pytest.raises(OSError, match="No space"):
        write_private(path, "half")
    assert path.read_bytes() == b"new"
    assert [item.name for item in tmp_path.iterdir()] == ["f"]


def test_removing_what_is_gone_is_no_error(tmp_path):
    """Stops are idempotent."""
    (tmp_path / "f").write_text("")
    remove_quietly(tmp_path / "f")
    remove_quietly(tmp_path / "f")
    assert not (tmp_path / "f").exists()


@given(text=st.lists(st.text(alphabet="ab\u00e9 ", max_size=40), max_size=60), lines=st.integers(1, 80))
def test_a_tail_is_the_last_lines(tmp_path_factory, text, lines):
    """However long the file is."""
    path = tmp_path_factory.mktemp("tail") / "log"
    path.write_text("\n".join(text), encoding="utf-8")
    whole = path.read_text(encoding="utf-8").splitlines()
    assert tail(path, lines) == "\n".join(whole[-lines:])


def test_a_tail_reads_little_of_a_large_file(tmp_path):
    """Lines longer than a block, too; a file that is not there is empty."""
    path = tmp_path / "log"
    path.write_text("x" * 200_000 + "\n" + "y" * 100_000 + "\nend\n")
    assert tail(path, 1) == "end"
    assert tail(path, 2) == "y" * 100_000 + "\nend"
    assert tail(tmp_path / "none", 5) == ""


def test_a_private_file_is_read(tmp_path):
    """And one that is not there is not there, whatever is in its way."""
    write_private(tmp_path / "f", b"content")
    assert read_private(tmp_path / "f") == b"content"
    for missing in (tmp_path / "none", tmp_path / "f" / "none"):
        with pytest.raises(FileNotFoundError):
            read_private(missing)


def _others_may_read(path):
    path.chmod(0o640)


def _link(path):
    path.rename(path.with_name("other"))
    path.symlink_to(path.with_name("other"))


def _directory(path):
    path.unlink()
    path.mkdir(mode=0o700)


def _pipe(path):
    path.unlink()
    os.mkfifo(path, 0o600)


@pytest.mark.parametrize("spoil", [_others_may_read, _link, _directory, _pipe])
def test_a_file_that_is_not_only_ours_is_not_read(tmp_path, spoil):
    """Nor waited for: a named pipe would hold us for ever."""
    path = write_private(tmp_path / "f", "content")
    spoil(path)
    with pytest.raises(SparkK8sError, match="only you can read and write"):
        read_private(path)


def test_a_file_of_somebody_else_or_without_end_is_not_read(tmp_path, monkeypatch):
    """Whatever its mode."""
    path = write_private(tmp_path / "f", "content")
    with pytest.raises(SparkK8sError, match="only you"):
        read_private(path, limit=6)
    monkeypatch.setattr(localfiles.os, "getuid", lambda: os.geteuid() + 1)
    with pytest.raises(SparkK8sError, match="only you"):
        read_private(path)


def test_a_private_directory_is_known(tmp_path):
    """Not a link to one, and not a file."""
    path = private_dir(tmp_path / "d")
    assert is_private_dir(path)
    (tmp_path / "link").symlink_to(path)
    write_private(tmp_path / "f", "")
    for other in ("link", "f", "none"):
        assert not is_private_dir(tmp_path / other)
    path.chmod(0o750)
    assert not is_private_dir(path)


def test_a_lock_is_seen_and_not_taken(tmp_path):
    """Without a file there is none."""
    path = write_private(tmp_path / "lock", "")
    assert not is_locked(path)
    assert not is_locked(tmp_path / "none")
    with path.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert is_locked(path)
    assert not is_locked(path)


def test_the_last_thing_that_a_log_says_is_found(tmp_path):
    """Whatever bytes are in it, and also where it says nothing."""
    log = tmp_path / "log"
    log.write_bytes(b"first\nlast \xff word \n\n")
    assert last_line(log) == "last \ufffd word"
    log.write_bytes(b"\n")
    assert last_line(log) == "it said nothing"
