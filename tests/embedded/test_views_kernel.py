"""The views in real kernels: what arrives while a cell blocks, under which cell, and what stays."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import nbclient
import nbconvert
import nbformat
import pytest
from jupyter_client.manager import KernelManager

from sparkk8s_nb.model.wire_delta import received
from tests.embedded.front import LONG, Front

WIDGET = "application/vnd.jupyter.widget-view+json"

SETUP = """
import os, threading, time
from dataclasses import replace
from pathlib import Path
from sparkk8s_nb.model.fleet import *
from sparkk8s_nb.model.progress import *
from sparkk8s_nb.telemetry.feed import Feed
from sparkk8s_nb.views.show import CellContext, show_fleet, show_progress

feed = Feed(Fleet(wanted=3))

def pod(number, phase):
    return PodView(name=f"secret-pod-{number}", uid=f"u{number}", executor=str(number), phase=phase,
                   node="secret-node", cpu_millis=1000, memory=2**31, created=time.time())

def play(until):
    # A fleet that changes fast: far more often than a view may say.
    at = 0.0
    for number in (1, 2, 3):
        feed.update(lambda fleet: fleet.apply(PodSeen(pod=pod(number, "Running"), at=time.time())))
    while not until.exists():
        at += 1
        status = tuple(ExecutorStatus(id=str(n), cores=1, running=1, done=int(at)) for n in (1, 2, 3))
        feed.update(lambda fleet: fleet.apply(ExecutorsSeen(executors=status, at=time.time())))
        time.sleep(0.01)

def block(until):
    deadline = time.monotonic() + 60
    while not until.exists() and time.monotonic() < deadline:
        time.sleep(0.02)

def job(done, state=JobState.RUNNING):
    return JobProgress(id=1, description="count", state=state, tags=("t",), stages=(), tasks=100, done=done,
                       submitted=time.time(), ended=0.0 if state is JobState.RUNNING else time.time())
"""

PROGRESS = """
jobs = Feed(Progress.of(None, [job(10)], time.time()))
progress = show_progress(jobs)
jobs.publish(Progress.of(None, [job(100, JobState.SUCCEEDED)], time.time()))
jobs.close()
progress.finish()
"""


@pytest.fixture(autouse=True)
def _places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SPARKK8S_RUNTIME_DIR", "SPARKK8S_STATE_DIR", "IPYTHONDIR", "JUPYTER_RUNTIME_DIR"):
        folder = tmp_path / name.lower()
        folder.mkdir()
        monkeypatch.setenv(name, str(folder))
    monkeypatch.delenv("SPARKK8S_VIEWS", raising=False)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))


@pytest.fixture
def front(tmp_path: Path) -> Iterator[Front]:
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel(cwd=str(tmp_path), env=dict(os.environ))
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=LONG)
        made = Front(client)
        made.cell(SETUP)
        yield made
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
        manager.cleanup_resources()


def custom(message: dict[str, Any]) -> bool:
    return message["msg_type"] == "comm_msg" and message["content"]["data"].get("method") == "custom"


def frame(message: dict[str, Any]) -> dict[str, Any]:
    return dict(message["content"]["data"]["content"])


def is_update(message: dict[str, Any]) -> bool:
    return bool(message["msg_type"] == "update_display_data")


def start_view(front: Front) -> tuple[str, dict[str, Any], str]:
    """Show a fleet in a cell that blocks; return the request, the display and the widget's comm."""
    request = front.run(
        "done = Path('done'); threading.Thread(target=play, args=(done,), daemon=True).start()\n"
        "shown = show_fleet(feed, {'name': 'flights'}); block(done)"
    )
    display = front.until(lambda message: message["msg_type"] == "display_data", "a display")
    return request, display, opened_widget(front)


def opened_widget(front: Front) -> str:
    """The comm of the widget that the kernel opens next."""
    opened = front.until(
        lambda message: (
            message["msg_type"] == "comm_open"
            and message["content"]["data"]["state"].get("_model_module") == "anywidget"
        ),
        "the widget's comm",
    )
    comm: str = opened["content"]["comm_id"]
    return comm


def seconds(message: dict[str, Any]) -> float:
    date = message["header"]["date"]
    return (date if isinstance(date, datetime) else datetime.fromisoformat(date)).timestamp()


def test_a_fleet_is_live_while_its_cell_blocks_first_as_text_then_as_widget(
    front: Front, tmp_path: Path
) -> None:
    """Text and HTML until the front end asks, frames of a widget from then on, four a second at most."""
    request, display, comm = start_view(front)
    assert display["parent_header"]["msg_id"] == request
    assert set(display["content"]["data"]) == {"text/plain", "text/html"}
    display_id = display["content"]["transient"]["display_id"]

    update = front.until(
        lambda message: is_update(message) and "3 executors running" in str(message["content"]["data"]),
        "text",
    )
    assert update["content"]["transient"]["display_id"] == display_id
    assert update["parent_header"]["msg_id"] == request

    front.ask(comm, front.subshell())
    drawn = front.until(lambda m: is_update(m) and WIDGET in m["content"]["data"], "a display of the widget")
    assert drawn["content"]["transient"]["display_id"] == display_id
    frames: list[dict[str, Any]] = []
    while len(frames) < 5:
        frames.append(front.until(custom, "a frame"))
    assert not (tmp_path / "done").exists()
    said = [frame(message) for message in frames]
    assert [(one["seq"], one["kind"]) for one in said] == [
        (1, "keyframe"),
        *((n, "delta") for n in (2, 3, 4, 5)),
    ]
    state = None
    for one in said:
        state = received(state, one)
    assert state is not None
    assert state["fleet"]["counts"]["running"] == 3
    assert state["fleet"]["tasks"]["done"] > said[0]["fleet"]["tasks"]["done"]
    assert state["session"] == {"name": "flights"}
    gaps = [seconds(after) - seconds(before) for before, after in itertools.pairwise(frames)]
    assert min(gaps) >= 0.24

    front.ask(comm, front.subshell())
    late = front.until(
        lambda message: custom(message) and frame(message)["kind"] == "keyframe", "a second reader's keyframe"
    )
    assert frame(late)["fleet"]["counts"]["running"] == 3

    (tmp_path / "done").touch()
    front.idle(request)
    ended = front.cell("shown.finish('Stopped. Nothing left.')")
    last = [message for message in front.messages if is_update(message)][-1]
    assert last["parent_header"]["msg_id"] == ended
    assert last["content"]["transient"]["display_id"] == display_id
    assert last["content"]["data"]["text/plain"] == "Stopped. Nothing left."
    assert set(last["content"]["data"]) == {"text/plain", "text/html"}
    opened = {message["content"]["comm_id"] for message in front.of("comm_open")}
    assert opened == {message["content"]["comm_id"] for message in front.of("comm_close")}


def test_a_button_of_a_view_is_answered_while_its_cell_blocks(front: Front, tmp_path: Path) -> None:
    """Over the widgets' subshell: heard at once, done when it is; the frames go on between."""
    request = front.run(
        "from sparkk8s_nb.views.action_worker import ActionWorker\n"
        "buttons = ActionWorker(lambda message: {'said': f\"Scaling to {message['executors']}.\"})\n"
        "shown = show_fleet(feed, {'name': 'flights'}, actions=buttons); block(Path('done'))"
    )
    comm = opened_widget(front)
    action = {"do": "scale", "executors": 4, "id": "a1"}
    front.say(comm, {"method": "custom", "content": action}, front.subshell())
    heard = front.until(lambda message: custom(message) and "heard" in frame(message), "that it was heard")
    done = front.until(lambda message: custom(message) and "done" in frame(message), "that it was done")
    assert frame(heard) == {"heard": "a1"}
    assert frame(done) == {"done": "a1", "said": "Scaling to 4."}
    assert heard["parent_header"] == {}
    (tmp_path / "done").touch()
    front.idle(request)
    front.cell("shown.finish()")


def test_a_front_end_without_subshells_has_the_html_until_the_cell_has_ended(
    front: Front, tmp_path: Path
) -> None:
    """VS Code: what its widget says waits for the kernel like a cell. What it then asks for is the view."""
    request, _, comm = start_view(front)
    front.ask(comm, subshell="")
    update = front.until(
        lambda message: is_update(message) and "3 executors running" in str(message["content"]["data"]),
        "text",
    )
    assert WIDGET not in update["content"]["data"]
    (tmp_path / "done").touch()
    front.idle(request)
    assert not [message for message in front.messages if custom(message)]
    front.until(lambda m: is_update(m) and WIDGET in m["content"]["data"], "a display of the widget")
    assert frame(front.until(custom, "a frame"))["kind"] == "keyframe"
    front.cell("shown.finish()")


def test_a_fleet_goes_on_under_its_own_cell_while_a_later_cell_runs(front: Front, tmp_path: Path) -> None:
    """The display keeps its id; a later cell's outputs stay its own."""
    _, display, _ = start_view(front)
    (tmp_path / "done").touch()
    later = front.run(
        "again = Path('again'); threading.Thread(target=play, args=(again,), daemon=True).start(); block(again)"
    )
    update = front.until(
        lambda message: is_update(message) and message["parent_header"]["msg_id"] == later, "an update"
    )
    assert update["content"]["transient"]["display_id"] == display["content"]["transient"]["display_id"]
    (tmp_path / "again").touch()
    front.idle(later)
    assert len(front.of("display_data")) == 1
    front.cell("shown.finish()")


def test_a_fleet_shown_again_is_one_view_in_two_cells(front: Front, tmp_path: Path) -> None:
    """One widget, one thread, two displays, one end."""
    request, first, _ = start_view(front)
    (tmp_path / "done").touch()
    front.idle(request)
    front.cell("other = show_fleet(feed, {})")
    second = front.of("display_data")[-1]
    front.cell(
        "assert sum(t.name == 'sparkk8s-view-fleet' for t in threading.enumerate()) == 1\n"
        "feed.close(); shown.finish('over')\n"
        "assert not any(t.name == 'sparkk8s-view-fleet' for t in threading.enumerate())"
    )
    last = {
        message["content"]["transient"]["display_id"]: message["content"]["data"]["text/plain"]
        for message in front.messages
        if is_update(message)
    }
    shown = {message["content"]["transient"]["display_id"] for message in (first, second)}
    assert last == dict.fromkeys(shown, "over")


def test_a_cells_progress_appears_under_that_cell_though_a_thread_shows_it_later(
    front: Front, tmp_path: Path
) -> None:
    """The first job is seen by the status worker, perhaps when the next cell runs already."""
    first = front.cell("context = CellContext.capture()")
    second = front.run(
        "jobs = Feed(Progress.of(None, [job(10)], time.time()))\n"
        "made = []\n"
        "threading.Thread(target=lambda: made.append(show_progress(jobs, context=context, executors=lambda: 2)),"
        " daemon=True).start()\n"
        "block(Path('done'))"
    )
    display = front.until(lambda message: message["msg_type"] == "display_data", "a display")
    assert display["parent_header"]["msg_id"] == first
    assert "10/100 tasks" in display["content"]["data"]["text/plain"]
    opened_widget(front)
    (tmp_path / "done").touch()
    front.idle(second)
    front.cell(
        "while not made: time.sleep(0.01)\n"
        "jobs.publish(Progress.of(None, [job(100, JobState.SUCCEEDED)], time.time())); made[0].finish()"
    )
    last = [message for message in front.messages if is_update(message)][-1]
    assert last["content"]["data"]["text/plain"].startswith("1 job, 100 tasks, ")
    assert last["content"]["data"]["text/plain"].endswith(", 2 executors")


def test_a_stage_of_many_tasks_is_told_in_a_few_messages_of_bounded_size(
    front: Front, tmp_path: Path
) -> None:
    """A hundred thousand tasks in a few seconds, read far more often than they are shown."""
    request = front.run(
        "jobs = Feed(Progress.of(None, [job(0)], time.time()))\n"
        "view = show_progress(jobs)\n"
        "stages = tuple(StageProgress(id=n, attempt=0, name='x', state='ACTIVE', tasks=100_000) for n in range(3))\n"
        "done = 0\n"
        "while not Path('done').exists():\n"
        "    done += 137\n"
        "    shown = replace(job(done), tasks=100_000, stages=tuple(replace(s, done=done) for s in stages))\n"
        "    jobs.publish(Progress.of(None, [shown], time.time(), before=jobs.value))\n"
        "    time.sleep(0.005)"
    )
    front.ask(opened_widget(front), front.subshell())
    frames = [front.until(custom, "a frame") for _ in range(12)]
    (tmp_path / "done").touch()
    front.idle(request)
    front.cell("view.finish()")
    said = [frame(message) for message in frames]
    assert [one["kind"] for one in said] == ["keyframe", *["delta"] * 11]
    assert max(len(json.dumps(one)) for one in said[1:]) < 700
    # A quarter of a second apart, so that eleven of them take more than two seconds and a half.
    assert seconds(frames[-1]) - seconds(frames[0]) >= 11 * 0.24


def test_what_a_view_says_without_a_widget_names_no_pod_and_no_node(front: Front, tmp_path: Path) -> None:
    """It may be saved before it ends."""
    request, _, _ = start_view(front)
    front.until(
        lambda message: is_update(message) and "running" in str(message["content"]["data"]), "an update"
    )
    (tmp_path / "done").touch()
    front.idle(request)
    front.cell("shown.finish()")
    said = json.dumps([m["content"]["data"] for m in front.messages if "display_data" in m["msg_type"]])
    assert "running" in said
    assert "secret" not in said


def test_a_captured_cell_stays_silent(front: Front) -> None:
    """``%%capture`` takes a cell's outputs, ours too."""
    front.cell("%%capture\nshown = show_fleet(feed, {})\nshown.finish()")
    assert front.of("display_data") == []


def test_a_notebook_run_without_a_browser_keeps_only_the_summaries(tmp_path: Path) -> None:
    """nbclient: no widget, no widget state; nbconvert's HTML has the summary."""
    notebook = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_code_cell(source)
            for source in (
                SETUP,
                "shown = show_fleet(feed, {})",
                PROGRESS,
                "shown.finish('Stopped after 3 s: 3 executors. Nothing left.')",
            )
        ]
    )
    nbclient.NotebookClient(notebook, timeout=LONG, resources={"metadata": {"path": str(tmp_path)}}).execute()
    fleet, progress = notebook.cells[1].outputs, notebook.cells[2].outputs
    assert [set(output["data"]) for output in (*fleet, *progress)] == [{"text/plain", "text/html"}] * 2
    assert fleet[0]["data"]["text/plain"] == "Stopped after 3 s: 3 executors. Nothing left."
    assert progress[0]["data"]["text/plain"].startswith("1 job, 100 tasks")
    assert notebook.cells[3].outputs == []
    assert "widgets" not in notebook.metadata
    assert len(json.dumps([fleet, progress])) < 5 * 1024
    html, _ = nbconvert.HTMLExporter().from_notebook_node(notebook)
    assert "Stopped after 3 s: 3 executors. Nothing left." in html


def test_a_view_that_is_withdrawn_leaves_nothing_in_the_notebook(tmp_path: Path) -> None:
    """No line, no widget; what else its cell says stays, and nbconvert takes the notebook."""
    notebook = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_code_cell(source)
            for source in (SETUP, "shown = show_fleet(feed, {})\nprint('mine')\nshown.withdraw()")
        ]
    )
    nbclient.NotebookClient(notebook, timeout=LONG, resources={"metadata": {"path": str(tmp_path)}}).execute()
    nbformat.validate(notebook)
    outputs = {output.output_type: output for output in notebook.cells[1].outputs}
    assert outputs["stream"].text == "mine\n"
    assert outputs["display_data"]["data"] == {"text/plain": "", "text/html": ""}
    assert "widgets" not in notebook.metadata
    html, _ = nbconvert.HTMLExporter().from_notebook_node(notebook)
    assert "mine" in html
