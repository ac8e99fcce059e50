"""A cell's progress in a page: cancelled from there, folded when it is done."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.unit.views.scripts import GOLDEN, draw, written

FRAME = GOLDEN / "progress.json"
ASK = "click:Cancel the Spark jobs of this cell"


def said(drawn: dict[str, Any]) -> list[dict[str, Any]]:
    return [message for message in drawn["sent"] if "do" in message]


def over() -> dict[str, Any]:
    """The last keyframe of the golden sequence: nothing runs any more."""
    frame: dict[str, Any] = json.loads((GOLDEN / "sequences" / "progress.json").read_text())["expected"]
    assert frame["progress"]["state"] == "SUCCEEDED"
    return frame


def test_cancel_is_for_this_cell_and_asks_back(tmp_path: Path) -> None:
    """By the tag of its execution; for kernels that know none, by the front end's id of the cell."""
    kept = draw("progress", tmp_path, FRAME, ASK, "click:Go on")
    assert said(kept) == []
    drawn = draw(
        "progress", tmp_path, FRAME, ASK, "click:Cancel the jobs", "look",
        answers={"cancel": {"said": "Cancelled 1 job of cell [7]."}},
    )  # fmt: skip
    assert said(drawn) == [{"do": "cancel", "tag": "t", "cell": "c-7"}]
    assert "Cancelled 1 job of cell [7]." in drawn["shown"][-1]["text"]


def other_cell(folder: Path, **more: Any) -> Path:
    """The same view when the next cell runs: the panel's goes from cell to cell."""
    frame = json.loads(FRAME.read_text())
    frame["seq"] += 1
    frame["progress"]["cell"] |= {"tag": "t-2", "id": "c-8"}
    frame["progress"] |= more
    return written(folder, "other", frame)


def test_a_question_about_one_cell_is_never_answered_for_another(tmp_path: Path) -> None:
    """Its cell ended while it was asked: it is taken back."""
    drawn = draw("progress", tmp_path, FRAME, ASK, "look", other_cell(tmp_path), "look")
    _, asked, other, _ = drawn["shown"]
    assert "Cancel the jobs of this cell?" in asked["text"]
    assert "Cancel the jobs of this cell?" not in other["text"]
    assert said(drawn) == []


def test_what_an_action_came_to_goes_with_its_cell(tmp_path: Path) -> None:
    """It says nothing of the next one."""
    answers = {"cancel": {"problem": "No.", "fix": "Wait."}}
    drawn = draw(
        "progress",
        tmp_path,
        FRAME,
        ASK,
        "click:Cancel the jobs",
        "look",
        other_cell(tmp_path),
        answers=answers,
    )
    assert "✕ No. Wait." in drawn["shown"][1]["text"]
    assert "✕ No." not in drawn["shown"][2]["text"]


def test_a_cell_without_an_id_is_named_by_its_number(tmp_path: Path) -> None:
    """Not every front end tells ids."""
    frame = json.loads(FRAME.read_text())
    frame["progress"]["cell"]["id"] = ""
    path = written(tmp_path, "frame", frame)
    assert said(draw("progress", tmp_path, path, ASK, "click:Cancel the jobs")) == [
        {"do": "cancel", "tag": "t", "cell": 7}
    ]


def test_what_is_done_is_one_line_that_can_be_opened_again(tmp_path: Path) -> None:
    """With no button to cancel what has ended."""
    path = written(tmp_path, "over", over())
    toggle = "click:Show the jobs of this cell"
    drawn = draw("progress", tmp_path, path, toggle, "look", "click:Fold the jobs of this cell", "look")
    folded, opened, again = (one["text"] for one in drawn["shown"])
    assert "|✓|" in folded
    assert "2 jobs, 240 tasks, 12.0 s" in folded
    assert "Job 1" not in folded
    assert "✓|Job 1|" in opened
    assert "|200/200|" in opened
    assert "Job 1" not in again
    assert not any("Cancel" in label for one in drawn["shown"] for label in one["labels"])


def test_a_folded_line_still_tells_of_skew(tmp_path: Path) -> None:
    """What cost the time is not hidden with the rest."""
    (shown,) = draw("progress", tmp_path, written(tmp_path, "over", over()))["shown"]
    assert "⚠ stage 0: 1 of 40 tasks took 18x the median: partition 7" in shown["text"]


def test_a_cell_without_jobs_says_so(tmp_path: Path) -> None:
    """A panel shows it before the first job."""
    frame = json.loads((GOLDEN / "sequences" / "progress.json").read_text())["messages"][0]
    (shown,) = draw("progress", tmp_path, written(tmp_path, "none", frame))["shown"]
    assert "No Spark jobs so far." in shown["text"]


def test_what_is_drawn_takes_another_themes_colours_within_a_second(tmp_path: Path) -> None:
    """Without a new frame, and nothing is drawn again in between."""
    drawn = draw("progress", tmp_path, FRAME, "second", "look", "theme:dark", "look", "second", "look")
    first, second, changed, redrawn = (one["drawn"] for one in drawn["shown"])
    assert first == second == changed > 0
    assert redrawn == 2 * first
