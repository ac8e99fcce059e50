"""Log files: tails, times, options."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from sparkk8s_nb.embedded import logstream
from sparkk8s_nb.embedded.logstream import LogFile, LogOptions
from sparkk8s_nb.embedded.status import StatusError

SECOND = 10**9


@pytest.fixture
def log(tmp_path: Path) -> LogFile:
    """Two pieces, written at 10 s and at 20 s."""
    path = tmp_path / "c.0.log"
    path.write_text("one\ntwo\nthree\nfour\n")
    path.with_name("c.0.log.index").write_text(f"0 {10 * SECOND}\n8 {20 * SECOND}\n")
    return LogFile(path)


@pytest.mark.parametrize(
    ("lines", "rest"),
    [
        (0, ""),
        (1, "four\n"),
        (2, "three\nfour\n"),
        (4, "one\ntwo\nthree\nfour\n"),
        (9, "one\ntwo\nthree\nfour\n"),
    ],
)
def test_the_tail_begins_at_a_line(log: LogFile, lines: int, rest: str) -> None:
    """The last so many."""
    assert log.read(log.tail_offset(lines), 99).decode() == rest


def test_a_last_line_without_its_end_counts(tmp_path: Path) -> None:
    """As it is being written."""
    path = tmp_path / "l"
    path.write_text("one\ntwo")
    assert LogFile(path).tail_offset(1) == 4
    path.write_text("")
    assert LogFile(path).tail_offset(3) == 0


def test_a_long_tail_is_found_across_blocks(tmp_path: Path) -> None:
    """Files larger than one read."""
    path = tmp_path / "l"
    path.write_text("".join(f"line {i}\n" for i in range(50_000)))
    log = LogFile(path)
    assert log.read(log.tail_offset(30_000), 11) == b"line 20000\n"


def test_each_line_has_the_time_of_its_piece(log: LogFile) -> None:
    """In RFC 3339 with nanoseconds."""
    stamped = logstream.stamped(log, log.read(4, 99), 4, fresh_line=True).decode().splitlines()
    assert stamped == [
        "1970-01-01T00:00:10.000000000Z two",
        "1970-01-01T00:00:20.000000000Z three",
        "1970-01-01T00:00:20.000000000Z four",
    ]


def test_output_since_a_moment(log: LogFile) -> None:
    """From the first piece that is not older."""
    assert log.read(log.since_offset(datetime.fromtimestamp(15, UTC)), 99) == b"three\nfour\n"
    assert log.since_offset(datetime.fromtimestamp(99, UTC)) == log.size()


def test_a_log_that_is_not_there_is_empty(tmp_path: Path) -> None:
    """Not an error."""
    log = LogFile(tmp_path / "absent")
    assert (log.size(), log.read(0, 9), log.tail_offset(5), log.time_of(0)) == (0, b"", 0, 0)


@pytest.mark.parametrize(
    "query", [{"tailLines": "-1"}, {"limitBytes": "0"}, {"sinceSeconds": "x"}, {"sinceTime": "x"}]
)
def test_options_that_cannot_be_are_refused(query: dict[str, str]) -> None:
    """400 or 422, naming the option."""
    with pytest.raises(StatusError, match=next(iter(query))) as caught:
        LogOptions.read(query, datetime.now(UTC))
    assert caught.value.code in (400, 422)


def test_a_pod_with_several_containers_needs_one_named() -> None:
    """The message lists them."""
    pod = {
        "metadata": {"name": "p"},
        "spec": {"containers": [{"name": "a"}, {"name": "b"}], "initContainers": [{"name": "i"}]},
    }
    with pytest.raises(StatusError, match=r"choose one of: \[i a b\]"):
        logstream.choose_container(pod, "")
    with pytest.raises(StatusError, match="container x is not valid for pod p"):
        logstream.choose_container(pod, "x")
    assert logstream.choose_container(pod, "i") == "i"
