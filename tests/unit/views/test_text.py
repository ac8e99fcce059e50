"""Views as text: aligned, bounded, and one line that is replaced in place."""

from __future__ import annotations

import io

from sparkk8s_nb.model.fleet import ExecutorsSeen, ExecutorStatus, Fleet, PodSeen, PodView
from sparkk8s_nb.model.progress import JobProgress, JobState, Progress
from sparkk8s_nb.views.text import LinePrinter, fleet_text, progress_text, short_line


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
    assert progress_text(Progress.of(None, [job], 3.0)) == "[##########..........] 5/10 tasks · 1 job · 2 s"
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


def test_a_terminals_line_carries_the_verdict() -> None:
    """Unless the summary says why already."""
    assert short_line(Fleet(wanted=1).judged("No pod was made.")) == (
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


def test_in_a_log_a_line_comes_now_and_then_and_at_the_end() -> None:
    """Every ten seconds at most."""
    out, now = io.StringIO(), [0.0]
    printer = LinePrinter(out, tty=False, clock=lambda: now[0])
    for second, text in ((0.0, "a"), (1.0, "b"), (9.9, "c"), (10.0, "d"), (11.0, "e")):
        now[0] = second
        printer.update(text)
    printer.end("over")
    assert out.getvalue() == "a\nd\nover\n"
