"""Sessions as the server finds them: directories that sessions have made."""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest

from sparkk8s_nb.localfiles import private_dir, write_private
from sparkk8s_nb.model.record import Holder, SessionRecord
from sparkk8s_nb.processes import boot_id, identify


@pytest.fixture
def runtime(tmp_path):
    """A runtime directory."""
    return private_dir(tmp_path / "run")


@pytest.fixture
def make(runtime):
    """Writes a session's directory as a session does, and returns it."""

    def made(name="spark-a-1", **fields):
        private_dir(runtime / "sessions")
        place = private_dir(runtime / "sessions" / name)
        write_private(place / "ui.key", base64.urlsafe_b64encode(bytes(32)).decode())
        me = identify()
        record = SessionRecord(
            name=name,
            owner="ada",
            notebook="n",
            namespace="default",
            holder=Holder(boot=boot_id(), pid=me.pid, started=me.started),
            ui_url="http://127.0.0.1:4040",
            ui_key_file=str(place / "ui.key"),
            kernel="k-1",
        )
        write_private(place / "record.json", replace(record, **fields).as_json())
        return place

    return made
