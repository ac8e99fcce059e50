"""Views as text: aligned, bounded, and one line that is replaced in place."""

from __future__ import annotations

import io
from dataclasses import replace

from sparkk8s_nb.model.fleet import ExecutorLoad, ExecutorsSeen, ExecutorStatus, Fleet, PodSeen, PodView
from sparkk8s_nb.model.progress import JobProgress, JobState, Progress, StageProgress
from sparkk8s_nb.model.state import StartPhase
from sparkk8s_nb.model.streams import Stream, Streams, StreamState
from sparkk8s_nb.model.task_metrics import FailureCause, SlowTask, TaskMetrics
from sparkk8s_nb.views.html import fleet_html, progress_html, streams_html
from sparkk8s_nb.views.text import LinePrinter, fleet_text, progress_text, short_line, streams_text


def fleet(count: int = 2) -> Fleet:
    made = Fleet(wanted=count)
    for number in range(1, count + 1):
        pod = PodView(
            name=f"sk-exec-{number}",
            uid=f"u-{number}",
            executor=str(number),
            phase="Running",
            node="node-a",
            cpu_millis=2000,
            memory=2**31,
            created=100.0,
        )
        made = made.apply(PodSeen(pod=pod, at=100.0))
    return made.apply(
        ExecutorsSeen(executors=(ExecutorStatus(id="1", cores=2, running=1, done=12, failed=3),), at=101.0)
    )


def test_a_fleet_is_an_aligned_table_under_its_summary() -> None:
    """Every executor on a line, numbers to the right."""
    assert fleet_text(fleet(), now=165.0) == "\n".join(
        [
            "1 of 2 executors running, 1 starting",
            "",
            "id  pod        node    phase     cores  memory   tasks        age  reason",
            "1   sk-exec-1  node-a  running       2   2 GiB  1/12/3  1 min 5 s",
            "2   sk-exec-2  node-a  starting      2   2 GiB   0/0/0  1 min 5 s",
        ]
    )


def test_an_executors_memory_is_the_most_it_used_of_what_its_pod_has() -> None:
    """Once its heartbeats have told."""
    load = ExecutorLoad(peak_memory=1_932_735_283)
    told = fleet().apply(ExecutorsSeen(executors=(ExecutorStatus(id="1", cores=2, load=load),), at=102.0))
    assert "  1.8 GiB of 2 GiB  " in fleet_text(told, now=165.0)
    assert ">1.8 GiB of 2 GiB</td>" in fleet_html(told, 165.0)


def test_what_may_be_saved_names_no_pod_and_no_node_not_even_in_a_reason() -> None:
    """The API's own words name them too."""
    pod = PodView(
        name="sk-exec-1", uid="u", executor="1", phase="Failed", node="node-a", message="sk-exec-1 on node-a",
        reason="Evicted",
    )  # fmt: skip
    text = fleet_text(Fleet(wanted=1).apply(PodSeen(pod=pod, at=1.0)).judged("Evicted."), 2.0, names=False)
    assert "sk-exec-1" not in text
    assert "node-a" not in text
    assert "Evicted." in text


def test_a_large_fleet_is_cut_and_the_rest_counted() -> None:
    """A thousand lines help nobody."""
    lines = fleet_text(fleet(1000), now=165.0, rows=5).splitlines()
    assert len(lines) == 9
    assert lines[-1] == "... and 995 more"


def test_progress_is_a_line_while_it_runs_and_a_summary_afterwards() -> None:
    """With the jobs that failed."""
    job = JobProgress(
        id=4, description="save", state=JobState.RUNNING, tags=(), stages=(), tasks=10, done=5, submitted=1.0
    )
    line = "[##########..........] 5/10 tasks · 2 s, 2 s left · 2.5/s · 1 job"
    assert progress_text(Progress.of(None, [job], 3.0)) == line
    failed = JobProgress(
        id=4,
        description="save",
        state=JobState.FAILED,
        tags=(),
        stages=(),
        tasks=10,
        submitted=1.0,
        ended=2.0,
    )
    assert progress_text(Progress.of(None, [failed], 3.0)).splitlines()[1] == "job 4 failed: save"


def test_below_the_line_stands_what_is_notable_and_what_is_missing() -> None:
    """Skew, spill and failures in words, in text and in HTML; bounded, and naming no host."""
    stages = tuple(
        StageProgress(
            id=number,
            attempt=0,
            name="x",
            state="ACTIVE",
            tasks=200,
            done=200,
            failed=2,
            metrics=TaskMetrics(disk_spilled=2**30),
            median=1.0,
            longest=14.0,
            slowest=(SlowTask(partition=37, seconds=14.0, executor="1"),),
            causes=(FailureCause(reason="java.io.IOException: node-7 <b>", count=2),),
        )
        for number in range(9)
    )
    job = JobProgress(
        id=4, description="save", state=JobState.RUNNING, tags=(), stages=stages, tasks=9, submitted=1.0
    )
    shown = replace(Progress.of(None, [job], 3.0), missing="Spark dropped 3 events.")
    lines = progress_text(shown, width=200).splitlines()
    assert lines[1] == "Spark dropped 3 events."
    assert lines[2] == (
        "stage 8: 2 tasks failed: IOException (2); 1 of 200 tasks took 14x the median: partition 37; "
        "spilled 1 GiB to disk"
    )
    assert len(lines) == 5
    html = progress_html(shown)
    assert all(line in html for line in lines[1:])
    assert "node-7" not in html + "".join(lines)


def test_a_terminals_line_carries_the_verdict() -> None:
    """Unless the summary says why already."""
    assert short_line(Fleet(wanted=1).judged("No pod was made."), 1.0) == (
        "0 of 1 executor running, 1 asked for; No pod was made."
    )


def test_on_a_terminal_the_line_is_replaced_cut_to_the_width_and_taken_away() -> None:
    """The prompt is the user's again."""
    out = io.StringIO()
    printer = LinePrinter(out, tty=True, width=lambda: 10)
    printer.update("first")
    printer.update("first")
    printer.update("a longer line")
    printer.clear()
    printer.clear()
    assert out.getvalue() == "\r\x1b[2Kfirst\r\x1b[2Ka longer…\r\x1b[2K"


def test_in_a_log_a_line_comes_now_and_then_and_the_last_one_is_left_to_the_summary() -> None:
    """Every ten seconds at most, and nothing twice."""
    out, now = io.StringIO(), [0.0]
    printer = LinePrinter(out, tty=False, clock=lambda: now[0])
    for second, text in ((0.0, "a"), (1.0, "b"), (9.9, "c"), (11.0, "d"), (12.0, "over")):
        now[0] = second
        printer.update(text)
    printer.end("over")
    assert out.getvalue() == "a\nc\nover\n"


def test_while_a_session_starts_its_phase_is_shown_with_its_seconds_and_then_gone() -> None:
    """In the text, in HTML, in a terminal's line; nothing of it stays."""
    starting = fleet().during(StartPhase(what="Connecting <Spark>", since=160.0))
    assert fleet_text(starting, now=165.9).splitlines()[1] == "Connecting <Spark>, 5 s"
    assert "Connecting &lt;Spark&gt;, 5 s" in fleet_html(starting, now=165.9)
    assert short_line(starting, 160.2).startswith("Connecting <Spark>, 0 s; 1 of 2 executors running")
    started = starting.during(None)
    for shown in (fleet_text(started, 170.0), fleet_html(started, 170.0), short_line(started, 170.0)):
        assert "Connecting" not in shown
    assert "Connecting" not in starting.summary()


def queries(count: int = 1) -> Streams:
    """A query that failed and some that run."""
    failed = Stream(
        id="f", run="f", name="orders", state=StreamState.FAILED, error="IOException: node-7", started=1.0
    )
    return Streams().seen(
        [failed, *(Stream(id=f"q{n}", run=f"q{n}", name=f"s{n}", batches=n) for n in range(count))]
    )


def test_a_cells_progress_has_a_line_for_each_stream_and_none_of_its_numbers() -> None:
    """Those that run, and the newest that failed."""
    job = JobProgress(
        id=1, description="x", state=JobState.RUNNING, tags=(), stages=(), tasks=4, submitted=1.0
    )
    text = progress_text(replace(Progress.of(None, [job], 3.0), streams=queries()))
    first, *rest = text.splitlines()
    assert "0/4 tasks" in first
    assert rest == ["stream s0: running · 0 batches", "stream orders: failed (IOException) · 0 batches"]
    assert "node-7" not in text + progress_html(replace(Progress.of(None, [job], 3.0), streams=queries()))


def test_many_streams_are_cut_and_the_rest_counted() -> None:
    """A cell's progress is about the cell."""
    lines = progress_text(Progress(streams=queries(40))).splitlines()
    assert lines[-1] == "stream and 38 more"
    assert len(lines) == 4


def test_streams_have_a_view_of_their_own() -> None:
    """A line each, as text; a table, as HTML."""
    assert streams_text(queries()).splitlines() == [
        "2 streams: 1 running, 1 failed",
        "orders: failed (IOException) · 0 batches",
        "s0: running · 0 batches",
    ]
    assert streams_text(Streams()) == "No streams."
    html = streams_html(queries(40))
    assert html.count("<tr>") == 11
    assert "and 31 more" in html
