"""The fleet in a page: bounded however large it is, and buttons that ask the kernel."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sparkk8s_nb.model.fleet import ExecutorsSeen, ExecutorStatus, Fleet, PodSeen, PodView
from sparkk8s_nb.model.wire import keyframe
from tests.unit.views.scripts import GOLDEN, draw, written

FRAME = GOLDEN / "fleet.json"


def large(count: int) -> dict[str, Any]:
    """A fleet of that many, half of them at work, one failed."""
    fleet = Fleet(wanted=count)
    for number in range(1, count + 1):
        pod = PodView(name=f"p-{number}", uid=str(number), executor=str(number), phase="Running", node="n")
        fleet = fleet.apply(PodSeen(pod=pod, at=1.0))
    seen = [ExecutorStatus(id=str(n), cores=2, running=n % 2) for n in range(1, count + 1)]
    fleet = fleet.apply(ExecutorsSeen(executors=tuple(seen), at=2.0))
    dead = PodView(name="p-7", uid="7", executor="7", phase="Failed", reason="OOMKilled", exit_code=137)
    return keyframe({"name": "s"}, fleet.apply(PodSeen(pod=dead, at=3.0)), None, 1, at=4.0)


def said(drawn: dict[str, Any]) -> list[dict[str, Any]]:
    return [message for message in drawn["sent"] if "do" in message]


def test_a_row_joins_pod_and_executor_and_says_what_its_tasks_cost(tmp_path: Path) -> None:
    """A sign where memory or garbage collection are much: nothing by colour alone."""
    (shown,) = draw("fleet", tmp_path, FRAME)["shown"]
    assert "|1|● running|embedded|2||⚠ 1.8 GiB / 2 GiB|2|40|0|⚠ 12 %|3 MiB|19 s|" in shown["text"]
    assert "|1 of 5 there|" in shown["text"]


def test_an_executors_row_opens_with_all_that_is_known_and_its_log(tmp_path: Path) -> None:
    """A dead one's too; read when it is opened, and again on demand."""
    row = "click:Executor 2: all that is known, and its log"
    drawn = draw(
        "fleet", tmp_path, FRAME, row, "look", "click:Read its log again", row, "look",
        answers={"log": {"lines": ["WARN almost full", "ERROR java.lang.OutOfMemoryError <b>"]}},
    )  # fmt: skip
    assert said(drawn) == [{"do": "log", "executor": "2"}] * 2
    _, opened, closed = (one["text"] for one in drawn["shown"])
    for part in (
        "sk-flights-exec-2",
        "|exit code|137|",
        "used more memory",
        "OutOfMemoryError <b>",
        "2 lines",
    ):
        assert part in opened
    assert "OutOfMemoryError" not in closed


def test_a_log_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    """In the words of the magic."""
    answer = {"problem": "There is no executor 1.", "fix": "Executors are: 2."}
    row = "click:Executor 1: all that is known, and its log"
    drawn = draw("fleet", tmp_path, FRAME, row, "look", answers={"log": answer})
    assert "✕ There is no executor 1. Executors are: 2." in drawn["shown"][-1]["text"]


def test_scaling_asks_the_kernel_and_shows_what_it_says(tmp_path: Path) -> None:
    """Nothing is sent before the number is another one."""
    drawn = draw(
        "fleet", tmp_path, FRAME, "click:Scale to that many executors", "click:One executor more",
        "click:One executor more", "click:Scale to that many executors", "look",
        answers={"scale": {"said": "Scaling from 5 to 7 executors."}},
    )  # fmt: skip
    assert said(drawn) == [{"do": "scale", "executors": 7}]
    assert "Scaling from 5 to 7 executors." in drawn["shown"][-1]["text"]


def test_a_number_that_is_none_is_refused_by_the_kernel_with_its_own_words(tmp_path: Path) -> None:
    """The page knows no rules of its own."""
    answer = {"problem": "scale: 'many' is not a number of executors.", "fix": "Write scale 4."}
    drawn = draw(
        "fleet", tmp_path, FRAME, "type:Executors to ask for=many", "key:Executors to ask for=Enter", "look",
        answers={"scale": answer},
    )  # fmt: skip
    assert said(drawn) == [{"do": "scale", "executors": "many"}]
    assert f"✕ {answer['problem']} {answer['fix']}" in drawn["shown"][-1]["text"]


def test_stop_asks_back(tmp_path: Path) -> None:
    """Keeping, or Escape, sends nothing."""
    ask = "click:Stop the Spark session"
    question = "Stop Spark and give all executors back?"
    kept = draw("fleet", tmp_path, FRAME, ask, "look", "click:Keep", ask, f"key:{question}=Escape", "look")
    assert said(kept) == []
    assert [question in one["text"] for one in kept["shown"]] == [False, True, False]
    stopped = draw("fleet", tmp_path, FRAME, ask, "click:Stop", answers={"stop": {"said": "Stopped."}})
    assert said(stopped) == [{"do": "stop"}]


def test_a_session_that_is_over_says_so_and_has_no_buttons(tmp_path: Path) -> None:
    """There is nothing to stop or scale."""
    frame = json.loads(FRAME.read_text())
    frame["session"]["state"] = "stopped"
    over = written(tmp_path, "over", frame)
    live, stopped = draw("fleet", tmp_path, FRAME, over)["shown"]
    assert "Stop the Spark session" not in stopped["labels"]
    assert stopped["text"].startswith("stopped|")
    assert "stopped" not in live["text"]


@pytest.mark.parametrize("name", ["fleet", "progress"])
def test_before_the_first_frame_a_view_waits_without_buttons(name: str, tmp_path: Path) -> None:
    """There is nothing yet to be stopped or cancelled."""
    waiting, drawn = draw(name, tmp_path, "look", GOLDEN / f"{name}.json")["shown"]
    assert waiting["text"].strip("|") == "Waiting for the kernel …"
    assert not any("Stop" in label or "Cancel" in label for label in waiting["labels"])
    assert "Waiting for the kernel" not in drawn["text"]


def test_a_large_fleet_is_a_grid_with_the_rows_that_are_news(tmp_path: Path) -> None:
    """A sign for each executor, with counts and words; the page does not grow with the fleet."""
    frame = written(tmp_path, "large", large(1000))
    drawn = draw("fleet", tmp_path, frame, "click:Executors as rows", "look")
    grid, rows = drawn["shown"]
    assert "■ 499 working|□ 500 idle|✕ 1 failed" in grid["text"]
    assert grid["drawn"] >= 1000
    assert "|7|✕ failed|" in grid["text"]
    assert "|8|● running|" not in grid["text"]
    assert "|8|● running|" in rows["text"]
    assert "1 to 20 of 200" in rows["text"]
    assert "and 800 running" in rows["text"]
    assert max(grid["nodes"], rows["nodes"]) < 1500


def test_of_a_grid_only_what_changed_is_drawn_again(tmp_path: Path) -> None:
    """A thousand signs four times a second would be most of the page's work."""
    first = large(300)
    busier = json.loads(json.dumps(first))
    cells = busier["fleet"]["grid"][1]["cells"]
    busier["fleet"]["grid"][1]["cells"] = cells.replace("r", "R", 1)
    shown = draw("fleet", tmp_path, written(tmp_path, "a", first), written(tmp_path, "b", busier))["shown"]
    assert 0 < shown[1]["drawn"] - shown[0]["drawn"] <= 2


def test_a_grid_is_walked_with_the_arrow_keys_and_opens_an_executor_whose_row_was_not_sent(
    tmp_path: Path,
) -> None:
    """Its log is asked for all the same."""
    frame = large(1000)
    path = written(tmp_path, "large", frame)
    (shown,) = draw("fleet", tmp_path, path)["shown"]
    label = next(one for one in shown["labels"] if one.startswith("1000 executors: 499 working"))
    sent_ids = {row["id"] for row in frame["fleet"]["executors"]}
    rows_down = 10  # of fifty signs each
    keys = [f"key:{label}={key}" for key in ("ArrowRight", *["ArrowDown"] * rows_down, "Enter")]
    drawn = draw(
        "fleet", tmp_path, path, *keys, "look", keys[-1], "look", answers={"log": {"lines": ["INFO at work"]}}
    )
    (asked,) = said(drawn)
    assert asked["executor"] not in sent_ids
    opened, closed = (one["text"] for one in drawn["shown"][1:])
    assert f"executor {asked['executor']}: " in opened
    assert "INFO at work" in opened
    assert "INFO at work" not in closed


@pytest.mark.parametrize("wanted", [0, 3])
def test_a_fleet_of_none_is_drawn_too(wanted: int, tmp_path: Path) -> None:
    """Before the first pod, and after the last."""
    frame = keyframe({}, replace(Fleet(), wanted=wanted), None, 1)
    (shown,) = draw("fleet", tmp_path, written(tmp_path, "none", frame))["shown"]
    assert f"|0 of {wanted} there|" in shown["text"]


def test_the_grid_takes_another_themes_colours_within_a_second(tmp_path: Path) -> None:
    """All of it: what is drawn stays otherwise."""
    path = written(tmp_path, "large", large(200))
    drawn = draw("fleet", tmp_path, path, "second", "look", "theme:dark", "second", "look")
    first, second, redrawn = (one["drawn"] for one in drawn["shown"])
    assert first == second > 0
    assert redrawn == 2 * first


def test_ages_go_on_between_frames(tmp_path: Path) -> None:
    """And within a second of them: rows do not wait for the page's clock."""
    later = json.loads(FRAME.read_text())
    later["at"] += 5
    drawn = draw("fleet", tmp_path, FRAME, written(tmp_path, "later", later))
    first, second = (one["text"] for one in drawn["shown"])
    assert "|19 s|" in first
    assert "|24 s|" in second
