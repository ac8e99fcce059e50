"""``sparkk8s-nb ui``: which session's UI the link leads to."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from sparkk8s_nb.cli import ui_command
from sparkk8s_nb.cli.main import main
from sparkk8s_nb.localfiles import private_dir, write_private
from sparkk8s_nb.model.record import Holder, SessionRecord
from sparkk8s_nb.processes import boot_id, identify


@pytest.fixture
def make(tmp_path, monkeypatch):
    """Writes records of sessions into this user's runtime directory; links say what they lead to."""
    runtime = private_dir(tmp_path / "run")
    monkeypatch.setenv("SPARKK8S_RUNTIME_DIR", str(runtime))
    monkeypatch.setenv("SPARKK8S_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setattr(
        ui_command, "open_ui", lambda record: SimpleNamespace(url=f"link to {record.parent.name}")
    )
    monkeypatch.setattr(
        ui_command, "past_link", lambda _runtime, _state, _environ, *, local: f"link to the last, {local}"
    )

    def made(name, *, dead=False):
        place = private_dir(private_dir(runtime / "sessions") / name)
        me = identify()
        holder = Holder(boot=boot_id(), pid=2**22 + 1 if dead else me.pid, started=me.started)
        record = SessionRecord(name=name, owner="o", notebook="n", namespace="d", holder=holder)
        write_private(place / "record.json", record.as_json())

    return made


def test_the_only_session_needs_no_name(make, capsys):
    """A dead one is none."""
    make("spark-a-1")
    make("spark-b-1", dead=True)
    assert main(["ui"]) == 0
    assert capsys.readouterr().out == "link to spark-a-1\n"


def test_one_of_several_is_named(make, capsys):
    """The error lists them."""
    make("spark-a-1")
    make("spark-b-1")
    assert main(["ui"]) == 2
    assert "Name one: spark-a-1, spark-b-1" in capsys.readouterr().err
    assert main(["ui", "spark-b-1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"url": "link to spark-b-1"}


def test_the_last_one_has_stopped(make, capsys):
    """Its link is one of this machine: a line has no Jupyter server."""
    assert main(["ui", "--last"]) == 0
    assert capsys.readouterr().out == "link to the last, True\n"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ([], 1, "No session of yours runs on this machine."),
        (["spark-x-1"], 1, "There is no such session."),
        (["../../etc"], 1, "There is no such session."),
        (["a", "b"], 2, "ui takes one session, or --last."),
        (["a", "--last"], 2, "ui takes one session, or --last."),
        (["--lst"], 2, "ui does not take --lst."),
    ],
)
def test_what_cannot_be_is_two_lines(make, capsys, words, code, said):
    """And nothing is started."""
    assert main(["ui", *words]) == code
    out, err = capsys.readouterr()
    assert (out, err.splitlines()[0]) == ("", said)
