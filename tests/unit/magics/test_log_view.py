"""A followed log is updated in place, for a while."""

from __future__ import annotations

import threading

import pytest

from sparkk8s_nb.errors import SessionError
from sparkk8s_nb.magics import log_view

WAIT = 20.0


class Context:
    def __init__(self):
        self.shown = []
        self.updated = []
        self.told = threading.Event()

    def display(self, bundle, display_id):
        self.shown.append((bundle["text/plain"], display_id))

    def update(self, bundle, display_id):
        self.updated.append((bundle["text/plain"], display_id))
        self.told.set()


@pytest.fixture
def context(monkeypatch):
    found = Context()
    monkeypatch.setattr(log_view.CellContext, "capture", classmethod(lambda cls: found))
    monkeypatch.setattr(log_view, "PERIOD", 0.001)
    yield found
    for thread in threading.enumerate():
        if thread.name == "sparkk8s-log":
            thread.join(WAIT)
            assert not thread.is_alive()


def test_it_shows_what_there_is_and_then_what_is_new(context):
    """In the same output, and only when it has changed."""
    texts = iter(["", "", "one", "one", "one\ntwo"])
    end = threading.Event()

    def read():
        text = next(texts, None)
        if text is None:
            end.set()
            return "one\ntwo"
        return text

    log_view.follow_log(read, until=end.is_set)
    assert end.wait(WAIT)
    assert [text for text, _ in context.shown] == ["The log is empty so far."]
    assert [text for text, _ in context.updated] == ["one", "one\ntwo"]
    assert len({each for _, each in context.shown + context.updated}) == 1


def test_an_executor_that_goes_leaves_its_last_lines(context):
    """No error in a later cell."""
    answers = iter(["last words"])
    gone = threading.Event()

    def read():
        text = next(answers, None)
        if text is None:
            gone.set()
            raise SessionError("There is no executor 3.", fix="-")
        return text

    log_view.follow_log(read, until=lambda: False)
    assert gone.wait(WAIT)
    assert [text for text, _ in context.shown] == ["last words"]
    assert context.updated == []


def test_it_ends_by_itself(context, monkeypatch):
    """A quarter of an hour, not for ever."""
    monkeypatch.setattr(log_view, "LONGEST", 3)
    reads = []
    log_view.follow_log(lambda: reads.append(1) or str(len(reads)), until=lambda: False)
    for thread in threading.enumerate():
        if thread.name == "sparkk8s-log":
            thread.join(WAIT)
    assert len(reads) == 4
