"""Threads that stop at once and whose death is seen."""

from __future__ import annotations

import queue
import threading

from sparkk8s_nb.telemetry.worker import StopFlag, Worker

LONG = 60.0


def test_a_stop_ends_a_long_wait_at_once() -> None:
    """Stopping and sleeping are one wait."""
    waiting = threading.Event()
    ends: list[bool] = []

    def work(stop: StopFlag) -> None:
        waiting.set()
        ends.append(stop.wait(3600))

    worker = Worker("long", work, on_death=lambda error: ends.append(False))
    worker.start()
    assert waiting.wait(LONG)
    assert worker.stop(timeout=LONG)
    assert ends == [True]
    assert not worker.alive


def test_a_wait_that_nobody_ends_says_so() -> None:
    """The time was over."""
    assert StopFlag().wait(0.0) is False


def test_a_death_is_told_with_its_cause() -> None:
    """The feed's chance to say stale."""
    deaths: queue.Queue[BaseException] = queue.Queue()

    def work(stop: StopFlag) -> None:
        raise ValueError("no reading")

    worker = Worker("fragile", work, on_death=deaths.put)
    worker.start()
    assert str(deaths.get(timeout=LONG)) == "no reading"
    assert worker.stop(timeout=LONG)


def test_a_worker_may_stop_itself() -> None:
    """It does not wait for its own end."""
    told: queue.Queue[bool] = queue.Queue()
    worker = Worker("own", lambda stop: told.put(worker.stop(timeout=LONG)), on_death=print)
    worker.start()
    assert told.get(timeout=LONG) is False
    assert worker.stop(timeout=LONG)


def test_its_thread_is_a_named_daemon() -> None:
    """Shown in thread lists, never in the way of an exit."""
    seen: queue.Queue[threading.Thread] = queue.Queue()
    worker = Worker("pods", lambda stop: seen.put(threading.current_thread()), on_death=print)
    worker.start()
    thread = seen.get(timeout=LONG)
    assert (thread.name, thread.daemon) == ("sparkk8s-pods", True)
    worker.stop(timeout=LONG)


def test_stopping_one_that_never_started_is_no_error() -> None:
    """An unwound start stops whatever there is."""
    assert Worker("idle", print, on_death=print).stop(timeout=0.0)
