"""Views as static HTML: escaped and small."""

from __future__ import annotations

from dataclasses import replace

from sparkk8s_nb.model.fleet import ExecutorsSeen, ExecutorStatus, Fleet, PodSeen, PodView
from sparkk8s_nb.model.progress import JobProgress, JobState, Progress
from sparkk8s_nb.views.html import fleet_html, progress_detail_html, progress_html, summary_html
from sparkk8s_nb.views.text import progress_text

LIMIT = 5 * 1024
EVIL = "<script>alert('x')</script>&"


def test_whatever_a_cluster_or_a_user_says_is_escaped() -> None:
    """Reasons, verdicts, job descriptions, summaries."""
    pod = PodView(name="p", uid="u", executor="1", reason="Unschedulable", message=EVIL)
    fleet = Fleet(wanted=1).apply(PodSeen(pod=pod, at=1.0)).judged(EVIL)
    job = JobProgress(id=1, description=EVIL, state=JobState.RUNNING, tags=(), stages=(), tasks=1)
    for html in (
        fleet_html(fleet, 2.0, names=True),
        progress_html(Progress.of(None, [job], 1.0)),
        summary_html(EVIL),
    ):
        assert "<script" not in html
        assert "&lt;script&gt;" in html


def test_a_fleet_stays_below_five_kilobytes_however_large_it_is() -> None:
    """With the longest reasons there are."""
    fleet = Fleet(wanted=500)
    for number in range(1, 501):
        pod = PodView(
            name=f"p-{number}", uid=str(number), executor=str(number), reason="Unschedulable",
            message="0/1 nodes are available: " + "x" * 500, created=1.0,
        )  # fmt: skip
        fleet = fleet.apply(PodSeen(pod=pod, at=1.0))
    html = fleet_html(fleet, 99.0)
    assert "and 490 more" in html
    assert len(html.encode()) <= LIMIT


def test_progress_stays_below_five_kilobytes_and_shows_running_jobs_first() -> None:
    """A cell may run hundreds of jobs."""
    jobs = [
        JobProgress(
            id=number,
            description="d" * 500,
            state=JobState.RUNNING if number == 3 else JobState.SUCCEEDED,
            tags=(),
            stages=(),
            tasks=100,
            done=40,
        )
        for number in range(300)
    ]
    html = progress_html(Progress.of(None, jobs, 1.0))
    assert html.index(">3</td>") < html.index(">299</td>")
    assert len(html.encode()) <= LIMIT
    assert "and 290 more jobs" in html


def test_what_stays_folded_of_a_cell_is_small_escaped_and_of_its_newest_jobs() -> None:
    """A notebook is saved with it."""
    jobs = [
        JobProgress(
            id=number, description=EVIL + "d" * 500, state=JobState.SUCCEEDED, tags=(), stages=(), tasks=100,
            done=100, submitted=10.0, ended=11.5,
        )
        for number in range(300)
    ]  # fmt: skip
    html = summary_html("300 jobs", progress_detail_html(Progress.of(None, jobs, 12.0)))
    assert html.index("<summary") < html.index(">299</td>") < html.index(">290</td>")
    assert "and 290 more jobs" in html
    assert ">1.5 s</td>" in html
    assert "<script" not in html
    assert len(html.encode()) <= LIMIT
    assert progress_detail_html(Progress()) == ""


def test_it_names_no_pod_and_no_node_unless_asked() -> None:
    """It may be saved."""
    pod = PodView(name="secret-pod", uid="u", executor="1", phase="Running", node="secret-node")
    fleet = Fleet(wanted=1).apply(PodSeen(pod=pod, at=1.0))
    fleet = fleet.apply(ExecutorsSeen(executors=(ExecutorStatus(id="1"),), at=1.0))
    assert "secret" not in fleet_html(fleet, 2.0)
    assert "secret-node" in fleet_html(fleet, 2.0, names=True)


def test_no_statement_is_in_what_a_notebook_may_keep() -> None:
    """It may hold anything; the live widget alone shows it."""
    running = JobProgress(
        id=1, description="show", state=JobState.RUNNING, tags=(), stages=(), tasks=1, sql="1",
        statement="SELECT 'a-secret'",
    )  # fmt: skip
    ended = replace(running, state=JobState.FAILED, ended=2.0)
    for job in (running, ended):
        shown = Progress.of(None, [job], 3.0)
        for text in (
            progress_html(shown),
            progress_detail_html(shown),
            progress_text(shown),
            shown.summary(),
        ):
            assert "a-secret" not in text
