"""Finding and reading the settings files."""

from __future__ import annotations

from pathlib import Path

import pytest

from sparkk8s_nb.errors import SettingsError
from sparkk8s_nb.model.layers import Source
from sparkk8s_nb.session.settings_files import load_layers, project_file


@pytest.fixture
def home(tmp_path):
    """A home directory with a project's directory in it."""
    (tmp_path / "home" / "flights" / "deep").mkdir(parents=True)
    return tmp_path / "home"


def load(home: Path, cwd: Path | None = None, environ: dict[str, str] | None = None):
    """Read the files, with the administrator's beside the home."""
    return load_layers(environ or {}, home, cwd or home / "flights" / "deep", admin=home.parent / "etc.toml")


def write(path: Path, text: str) -> None:
    """Write a settings file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_no_files_are_no_layers(home):
    """Nothing has to be there."""
    assert load(home) == ()


def test_all_three_files_are_found_in_the_order_in_which_they_win(home):
    """Administrator, user, project."""
    write(home.parent / "etc.toml", "[start]\ncores = 1")
    write(home / ".config/sparkk8s/config.toml", "[start]\ncores = 2")
    write(home / "flights/sparkk8s.toml", "[start]\ncores = 3")
    layers = load(home)
    assert [layer.source for layer in layers] == [Source.ADMIN, Source.USER, Source.PROJECT]
    assert [layer.start["cores"].value for layer in layers] == [1, 2, 3]


def test_origins_do_not_show_the_users_name(home):
    """They end up in notebooks, and notebooks are shared."""
    write(home / ".config/sparkk8s/config.toml", "[start]\ncores = 2")
    write(home / "flights/sparkk8s.toml", "[start]\ncores = 3")
    assert [layer.start["cores"].origin for layer in load(home)] == [
        "~/.config/sparkk8s/config.toml:2",
        "~/flights/sparkk8s.toml:2",
    ]


def test_the_users_directory_follows_xdg(home):
    """As everywhere on Linux."""
    write(home / "xdg/sparkk8s/config.toml", "[start]\ncores = 2")
    assert len(load(home, environ={"XDG_CONFIG_HOME": str(home / "xdg")})) == 1


def test_the_nearest_projects_file_counts_and_none_above_home(home):
    """A project within a project has its own."""
    write(home / "flights/sparkk8s.toml", "")
    write(home / "work/deep/sparkk8s.toml", "")
    write(home.parent / "sparkk8s.toml", "")
    assert project_file(home / "work/deep", home) == home / "work/deep/sparkk8s.toml"
    assert project_file(home / "flights", home) == home / "flights/sparkk8s.toml"
    assert project_file(home, home) is None


def test_outside_home_the_search_goes_to_the_root(home, tmp_path):
    """Work directories are often elsewhere."""
    (tmp_path / "data/run").mkdir(parents=True)
    write(tmp_path / "data/sparkk8s.toml", "")
    assert project_file(tmp_path / "data/run", home) == tmp_path / "data/sparkk8s.toml"


def test_a_strangers_file_in_a_directory_for_all_is_no_project(home, tmp_path, monkeypatch):
    """Anybody can put a file into /tmp; working below it must not take it for ours."""
    shared = tmp_path / "shared"
    (shared / "run").mkdir(parents=True)
    write(shared / "sparkk8s.toml", "")
    shared.chmod(0o1777)
    assert project_file(shared / "run", home) == shared / "sparkk8s.toml"
    monkeypatch.setattr("sparkk8s_nb.session.settings_files._trusted_owners", frozenset)
    assert project_file(shared / "run", home) is None


def test_a_malformed_file_is_named_with_its_line(home):
    """As people know it."""
    write(home / ".config/sparkk8s/config.toml", "[start]\ncores = = 2")
    with pytest.raises(SettingsError, match=r"~/\.config/sparkk8s/config\.toml:2: this is not TOML"):
        load(home)


def test_a_file_that_is_not_text_is_named_with_its_line(home):
    """UTF-8 with a mark is fine, Latin-1 is not."""
    path = home / ".config/sparkk8s/config.toml"
    write(path, "")
    path.write_bytes(b"\xef\xbb\xbf[start]\r\ncores = 2\r\n")
    assert load(home)[0].start["cores"].origin.endswith(":2")
    path.write_bytes(b"[start]\nname = 'Fl\xfcge'\n")
    with pytest.raises(SettingsError, match=r"config\.toml:2: this is not UTF-8"):
        load(home)


def test_a_file_that_cannot_be_read_is_an_error_not_a_default(home):
    """Silence would start another session than the one that was set."""
    (home / ".config/sparkk8s/config.toml").mkdir(parents=True)
    with pytest.raises(
        SettingsError, match=r"config\.toml:1: this settings file cannot be read: Is a directory"
    ):
        load(home)
