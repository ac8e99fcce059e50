"""Undoing runs every step once, the last first, whatever fails."""

from __future__ import annotations

import pytest

from sparkk8s_nb.errors import SparkK8sError
from sparkk8s_nb.session.undo import Undo


def test_steps_run_in_reverse_and_once():
    """A second run finds nothing to do."""
    undo, done = Undo(), []
    for name in ("first", "second", "third"):
        undo.push(name, lambda name=name: done.append(name))
    assert undo.run() == []
    assert undo.run() == []
    assert done == ["third", "second", "first"]


def test_a_step_that_fails_stops_no_other_and_is_told():
    """One line of the reason, in the order in which steps failed."""
    undo, done = Undo(), []

    def broken():
        raise SparkK8sError("the server is away", fix="wait")

    def nameless():
        raise ValueError

    undo.push("close the door", lambda: done.append("closed"))
    undo.push("switch off the light", broken)
    undo.push("feed the cat", nameless)
    assert undo.run() == [
        "could not feed the cat: ValueError",
        "could not switch off the light: the server is away",
    ]
    assert done == ["closed"]
    assert undo.run() == []


def test_a_later_step_may_ask_whether_an_earlier_one_failed():
    """Only while undoing."""
    undo, seen = Undo(), []
    undo.push("last", lambda: seen.append((undo.failed("a", "b"), undo.failed("b"))))
    undo.push("a", lambda: 1 / 0)
    undo.run()
    assert seen == [(True, False)]
    assert not undo.failed("a")


def test_an_interrupt_is_not_swallowed_but_the_other_steps_run():
    """Somebody who presses the stop button twice still leaves nothing behind."""
    undo, done = Undo(), []

    def interrupted():
        raise KeyboardInterrupt

    undo.push("first", lambda: done.append("first"))
    undo.push("second", interrupted)
    with pytest.raises(KeyboardInterrupt):
        undo.run()
    assert done == ["first"]
