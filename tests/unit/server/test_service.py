"""What the service remembers between two requests."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest

from sparkk8s_nb.server import service as module
from sparkk8s_nb.server.service import Service


class PastServer:
    """A history server: the applications that it was told of, and whether it runs."""

    def __init__(self):
        self.told = []
        self.runs = True

    def open(self, _runtime, log):
        self.told.append(log)
        self.runs = True

    def shows(self, _runtime, app_id):
        return self.runs and app_id in ("app-1", "app-2")


@pytest.fixture
def history(monkeypatch):
    """The history server of a user whose logs are linked for it already, as another process does."""
    server = PastServer()
    monkeypatch.setattr(module, "open_past", server.open)
    monkeypatch.setattr(module, "is_shown", server.shows)
    monkeypatch.setattr(module, "event_log_of", lambda _folder, app_id: app_id)
    monkeypatch.setattr(module, "past_record", lambda _runtime: SimpleNamespace())
    monkeypatch.setattr(module, "target_of", lambda _record: "target")
    monkeypatch.setattr(module, "note_use", lambda _record: None)
    return server


def test_an_event_log_is_waited_for_once(history, tmp_path):
    """Told of is not read: until it has read a log the history server says that there is no such application."""
    service = Service(kernels={}, notebooks=None, runtime=tmp_path, state=tmp_path)

    async def looks(*applications):
        return [await service.past(app_id) for app_id in applications]

    assert asyncio.run(looks("app-1", "app-1", "app-2", "app-1", "")) == ["target"] * 5
    assert history.told == ["app-1", "app-2"]
    history.runs = False
    asyncio.run(looks("app-1"))
    assert history.told == ["app-1", "app-2", "app-1"]


def test_an_event_log_that_was_not_read_is_waited_for_again(history, tmp_path, monkeypatch):
    """The page that is loaded next may have more luck."""
    service = Service(kernels={}, notebooks=None, runtime=tmp_path, state=tmp_path)

    def fails(_runtime, log):
        history.told.append(log)
        raise module.SessionError("It has not read the event log.", fix="Try again.")

    with monkeypatch.context() as broken:
        broken.setattr(module, "open_past", fails)
        with pytest.raises(module.SessionError):
            asyncio.run(service.past("app-1"))
    asyncio.run(service.past("app-1"))
    assert history.told == ["app-1", "app-1"]
