"""The code for the browser: plain modules, one string each, no network."""

from __future__ import annotations

import base64
import gzip
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import sparkk8s_nb.views
from sparkk8s_nb.model.wire_delta import received
from sparkk8s_nb.views.widget import module, packed, style
from tests.unit.views.scripts import GOLDEN, draw, node, written

STATIC = Path(sparkk8s_nb.views.__file__).with_name("static")
SCRIPTS = sorted(STATIC.glob("*.js"))


NODE_IMPORTS = """
const url = `data:text/javascript;base64,${Buffer.from(await code.arrayBuffer()).toString("base64")}`;
"""


@pytest.mark.parametrize("name", ["fleet", "progress", "streams"])
def test_a_widgets_module_is_one_string_with_the_shared_part_in_it(name: str) -> None:
    """A browser loads it from memory: an import could not be found."""
    code = module(name)
    assert "./shared.js" not in code
    assert "function follow" in code
    assert re.findall(r"^(?:export|import) .*", code, re.MULTILINE) == [
        f"export default widget({name.capitalize()}View);"
    ]


@pytest.mark.parametrize("name", ["fleet", "progress", "streams"])
def test_what_is_sent_with_every_view_is_packed_small_and_brings_its_style(name: str) -> None:
    """A hundred cells send it a hundred times."""
    sent = packed(name)
    assert len(sent) < 23 * 1024
    (text,) = re.findall(r'atob\("([^"]+)"\)', sent)
    code = gzip.decompress(base64.b64decode(text)).decode()
    assert code.startswith(module(name))
    assert json.dumps(style()) in code


def test_a_packed_view_is_unpacked_by_the_browser(tmp_path: Path) -> None:
    """With what browsers have since 2023; node has it too, but imports no blob."""
    code = packed("fleet").replace("const url = URL.createObjectURL(code);", NODE_IMPORTS)
    script = tmp_path / "packed.mjs"
    script.write_text(code)
    run = tmp_path / "run.mjs"
    run.write_text(
        'import view from "./packed.mjs";\nconsole.log(typeof view.render, typeof view.initialize);\n'
    )
    assert node(run) == "function function\n"


TWICE = """
const [a, b] = [await import("./packed.mjs?1"), await import("./packed.mjs?2")];
console.log(a.default === b.default);
"""
AFTER_A_FAILURE = """
const whole = globalThis.DecompressionStream;
globalThis.DecompressionStream = class { constructor() { throw new Error("no memory"); } };
const lost = await import("./packed.mjs?1").catch((error) => error.message);
globalThis.DecompressionStream = whole;
console.log(lost, typeof (await import("./packed.mjs?2")).default.render);
"""


@pytest.mark.parametrize(
    ("script", "said"),
    [(TWICE, "true"), (AFTER_A_FAILURE, "no memory function")],
    ids=["for all cells", "and anew after a failure"],
)
def test_a_page_unpacks_a_view_once(script: str, said: str, tmp_path: Path) -> None:
    """It never lets go of a module; one that could not be unpacked is tried again by the next cell."""
    code = packed("fleet").replace("const url = URL.createObjectURL(code);", NODE_IMPORTS)
    (tmp_path / "packed.mjs").write_text(code)
    run = tmp_path / "run.mjs"
    run.write_text(script)
    assert node(run).strip() == said


@pytest.mark.parametrize("path", [*SCRIPTS, STATIC / "style.css"], ids=lambda path: path.name)
def test_nothing_is_fetched_from_elsewhere_and_no_html_is_made_of_text(path: Path) -> None:
    """No CDN, no injection."""
    code = path.read_text()
    assert not re.search(r"https?:|//cdn|innerHTML|insertAdjacentHTML|eval\(|console\.", code)


@pytest.mark.parametrize("name", ["fleet", "progress", "streams"])
def test_a_view_asks_for_a_keyframe_when_it_is_loaded_and_when_it_is_drawn(name: str, tmp_path: Path) -> None:
    """The kernel learns so that somebody can draw it; a closed view listens no more."""
    assert draw(name, tmp_path) == {"sent": [{"ask": "keyframe"}] * 2, "shown": [], "left": 0}


ASKING = """
import view from "./fleet.mjs";
let sent = 0;
const heard = new Set();
const model = { send: () => (sent += 1), on: (_, f) => heard.add(f), off: (_, f) => heard.delete(f) };
const timers = new Map();
globalThis.setTimeout = (f) => timers.set(timers.size + 1, f).size;
globalThis.clearTimeout = (id) => timers.delete(id);
const later = () => {
  for (const [id, f] of [...timers]) if (timers.delete(id)) f();
};
view.initialize({ model });
later();
const again = sent;
if (process.argv[2] === "answer") for (const f of heard) f({});
for (let turn = 0; turn < 9; turn += 1) later();
console.log(again, sent, heard.size);
"""


@pytest.mark.parametrize(("kernel", "counted"), [("answer", "2 2 0"), ("silence", "2 4 1")])
def test_a_kernel_that_does_not_answer_is_asked_again_a_few_times(
    kernel: str, counted: str, tmp_path: Path
) -> None:
    """A page's first word may go to the shell that the running cell holds up."""
    (tmp_path / "fleet.mjs").write_text(module("fleet"))
    script = tmp_path / "asking.mjs"
    script.write_text(ASKING)
    assert node(script, kernel).strip() == counted


def test_the_fleet_draws_the_golden_frames(tmp_path: Path) -> None:
    """Rows in the fleet's order, sign and word for the phase, and nothing of the frame before."""
    shown = draw("fleet", tmp_path, GOLDEN / "fleet.json", GOLDEN / "empty.json")["shown"]
    frame = json.loads((GOLDEN / "fleet.json").read_text())["fleet"]
    for part in (frame["summary"], frame["verdict"], "● running", "✕ failed", "2 tasks running", "2 GiB"):
        assert part in shown[0]["text"]
    assert "Waiting for executors, 11 s" in shown[0]["text"]
    assert "Waiting" not in shown[1]["text"]
    rows = re.findall(r"\|(\d+)\|[○◔◑●◌✓✕] ([a-z]+)\|", shown[0]["text"])
    assert rows == [(row["id"], row["phase"]) for row in frame["executors"]]
    assert "no executors" in shown[1]["text"]
    assert shown[1]["nodes"] < shown[0]["nodes"]


def test_progress_draws_the_golden_frame(tmp_path: Path) -> None:
    """Counts without the skipped tasks, jobs with their descriptions as text."""
    (shown,) = draw("progress", tmp_path, GOLDEN / "progress.json")["shown"]
    for part in ("62 %|132/212 tasks|", "|4| running|1| failed|", "|2| jobs|", "▶|Job 2|", "|120/200|"):
        assert part in shown["text"]
    for part in ("count at <cell>", "6 s, 4 s left", "21/s", "⚠ Spark dropped 3 events.", "⚠ 1 GiB| spilled"):
        assert part in shown["text"]


@pytest.mark.parametrize(("name", "file"), [("streams", "streams"), ("progress", "beside")])
def test_streaming_queries_are_drawn_in_their_own_view_and_beside_a_cells_progress(
    name: str, file: str, tmp_path: Path
) -> None:
    """Sign and word for the state, batches, rows, the batch that runs, and what ended it."""
    (shown,) = draw(name, tmp_path, GOLDEN / f"{file}.json")["shown"]
    for part in (
        "▶ stream clicks <b>: running · 4 s · 12 batches · 3000 rows · 250 rows in the last batch",
        " · 50.2 rows/s arrive · 1230 rows/s processed · batch runs: 3/8 · 1 failed tasks",
        "✓ stream query q2: ended · 5 s · 3 batches · 30 rows",
        "✕ stream orders: failed · 1 s · 0 batches · ✕ ValueError: no <i>",
    ):
        assert part in shown["text"]
    assert ("132/212" in shown["text"]) is (name == "progress")


def test_a_running_jobs_stages_are_shown_with_what_slows_them(tmp_path: Path) -> None:
    """Rate, bytes, skew, spill and failures in words: nothing is told by colour alone."""
    (shown,) = draw("progress", tmp_path, GOLDEN / "progress.json")["shown"]
    for part in (
        "▶|Stage 4|||120/200|4|1|27/s|4 s|2 s|0.5 s|7 s|",
        "SQL query 3: count at <cell>|",
        "groupBy <b> · shuffle read 117.8 MiB",
        "|✕ 1 task failed: java.io.IOException: no space left <i>|",
        "|⚠ 1 of 120 tasks took 14x the median: partition 37|⚠ spilled 1 GiB to disk|⚠ 10 % of the run time",
        "↷|Stage 3|||skipped|",
        "Executors over time",
    ):
        assert part in shown["text"]
    assert "Stage 2" not in shown["text"]


def test_what_columns_and_signs_tell_is_told_in_words_too(tmp_path: Path) -> None:
    """Who hears the page hears what the numbers are."""
    (shown,) = draw("progress", tmp_path, GOLDEN / "progress.json")["shown"]
    assert (
        "stage 4, running: 120/200 tasks, 4 running, 1 failed, 27/s, 4 s, 2 s left, median 0.5 s, longest 7 s"
        in shown["labels"]
    )
    assert "stage 3, skipped" in shown["labels"]
    job = "job 2, running: 120/200 tasks, 4 running, 1 failed, 27/s, 4 s, 3 s left; SQL query 3: count at <cell>"
    assert job in shown["labels"]
    assert {"running", "succeeded", "skipped"} <= set(shown["labels"])


def test_the_executors_time_is_drawn_once_and_told_in_words(tmp_path: Path) -> None:
    """As bars whose height counts, with marks for failures and stragglers; words for whoever cannot see them."""
    frame = GOLDEN / "progress.json"
    first, again = draw("progress", tmp_path, frame, frame)["shown"]
    # Two labels, two grounds, four bars, a cross on its ground, two marks of a task that still runs; the axis with
    # seven times. Nothing more for what is there already.
    assert first["drawn"] == 12 + 15
    assert again["drawn"] == first["drawn"]
    label = next(one for one in first["labels"] if one.startswith("Mean number"))
    assert label == (
        "Mean number of tasks at work, executor 1: 1.8, executor 2: 0.2 and 1 failed, "
        "runs a task far slower than the median"
    )
    for part in (
        "at work; full height: 2 tasks at once, each bar 0.5 s|",
        "✕ 1 failed task|",
        "▲ had a task far slower than the median: executor 1",
    ):
        assert part in first["text"]


def test_a_full_bar_is_what_an_executor_can_do_at_once(tmp_path: Path) -> None:
    """Where the kernel tells: executors of one core, and of four."""
    frame = json.loads((GOLDEN / "progress.json").read_text())
    frame["progress"]["timeline"]["slots"] = [1, 4]
    (shown,) = draw("progress", tmp_path, written(tmp_path, "slots", frame))["shown"]
    assert "at work; full height: 1 to 4 tasks at once, each bar 0.5 s|" in shown["text"]


def test_a_long_statement_is_whole_in_the_page(tmp_path: Path) -> None:
    """The style shows one line of it while its job is folded."""
    frame = json.loads((GOLDEN / "progress.json").read_text())
    statement = "SELECT " + ", ".join(f"column_{number}" for number in range(40)) + " FROM wide"
    frame["progress"]["queries"] = [{"id": "3", "text": statement}]
    (shown,) = draw("progress", tmp_path, written(tmp_path, "long", frame))["shown"]
    assert shown["text"].count(statement) == 1


def test_a_task_that_still_runs_far_longer_is_said_and_marked(tmp_path: Path) -> None:
    """In the folded line too: who folded the view still sees it."""
    frame = json.loads((GOLDEN / "progress.json").read_text())
    frame["progress"]["jobs"][1]["stages"][1]["straggling"] = [[90, 1000.5, "2"]]
    path = written(tmp_path, "slow", frame)
    shown, folded = draw("progress", tmp_path, path, "click:Fold the jobs of this cell", "look")["shown"]
    assert "|△ 1 of 200 tasks has run for 4 s, 8x the median: partition 90 on executor 2|" in shown["text"]
    assert "△ runs a task far slower than the median, since the mark above: executor 2|" in shown["text"]
    assert "△ stage 4: 1 of 200 tasks has run for 4 s" in folded["text"]


def test_every_stage_of_a_job_is_shown_where_somebody_opens_it(tmp_path: Path) -> None:
    """Only there."""
    frame = GOLDEN / "progress.json"
    before, after = draw("progress", tmp_path, frame, "open", frame)["shown"]
    assert "Stage 2" not in before["text"]
    assert "✓|Stage 2|||12/12|" in after["text"]


@pytest.mark.parametrize("name", ["fleet", "progress", "streams"])
def test_the_page_and_the_model_apply_the_same_messages_to_the_same_state(name: str, tmp_path: Path) -> None:
    """The golden sequence, message by message; drawn, it is what its last keyframe shows."""
    path = GOLDEN / "sequences" / f"{name}.json"
    script = tmp_path / "apply.mjs"
    script.write_text(
        module(name).replace("export default", "const view =")
        + """
import { readFileSync } from "node:fs";
const { messages } = JSON.parse(readFileSync(process.argv[2], "utf8"));
const states = [];
let frame = null;
for (const message of messages) {
  const before = JSON.stringify(frame);
  const next = received(frame, message);
  if (JSON.stringify(frame) !== before) throw new Error("the state before was changed");
  frame = next.frame;
  states.push({ ...frame, problem: next.problem, ask: next.ask });
}
console.log(JSON.stringify(states));
"""
    )
    states = json.loads(node(script, path))
    golden = json.loads(path.read_text())
    reader = None
    for one, state in zip(golden["messages"], states, strict=True):
        reader = received(reader, one)
        assert state == reader
    last = tmp_path / "last.json"
    last.write_text(json.dumps(golden["expected"]))
    apart = draw(name, tmp_path, path, "second", "look")
    once = draw(name, tmp_path, last, "second", "look")
    assert apart["shown"][-1]["text"] == once["shown"][-1]["text"]
    assert apart["sent"] == [{"ask": "keyframe"}] * 2


def test_a_view_that_missed_a_message_asks_once_and_keeps_what_it_has(tmp_path: Path) -> None:
    """Until a keyframe comes nothing more is asked for; then the next gap counts again."""
    golden = json.loads((GOLDEN / "sequences" / "fleet.json").read_text())
    first, *deltas = golden["messages"]
    story = [first, *deltas[:5], deltas[8], deltas[9], deltas[10]]
    files = []
    for number, one in enumerate([{"messages": story}, golden["expected"], deltas[4]]):
        files.append(tmp_path / f"{number}.json")
        files[-1].write_text(json.dumps(one))
    drawn = draw("fleet", tmp_path, *files)
    assert drawn["sent"] == [{"ask": "keyframe"}] * 4
    assert "0 of 3 executors running, 3 starting" in drawn["shown"][0]["text"]
    assert "used more memory" in drawn["shown"][1]["text"]
    assert drawn["shown"][2]["text"] == drawn["shown"][1]["text"]


@pytest.mark.parametrize(
    "patch",
    [
        {"fleet": {"executors": {"$order": ["9"]}}},
        {"fleet": {"executors": 3}},
        {"fleet": {"executors": [None]}},
        {"fleet": {"counts": None, "hidden": None}},
    ],
)
def test_a_patch_that_cannot_be_applied_or_drawn_leaves_the_last_good_state(
    patch: dict[str, Any], tmp_path: Path
) -> None:
    """It is told, and the next good message goes on from there."""
    good = json.loads((GOLDEN / "fleet.json").read_text())
    bad = {"schema": 1, "kind": "delta", "seq": 8, "base": 7, "at": 1.0, "patch": patch}
    path = tmp_path / "bad.json"
    path.write_text(json.dumps(bad))
    shown = draw("fleet", tmp_path, GOLDEN / "fleet.json", path, GOLDEN / "fleet.json")["shown"]
    assert "could not be read" in shown[1]["text"]
    assert good["fleet"]["verdict"] in shown[1]["text"]
    assert "● running" in shown[1]["text"]
    assert "could not be read" not in shown[2]["text"]


@pytest.mark.parametrize(
    ("message", "words"),
    [('{"schema": 2, "kind": "keyframe"}', "newer version"), ("[1]", "could not be read")],
)
def test_a_message_that_cannot_be_read_is_said_and_the_last_state_stays(
    message: str, words: str, tmp_path: Path
) -> None:
    """One line, and the table as it was."""
    strange = tmp_path / "strange.json"
    strange.write_text(message)
    shown = draw("fleet", tmp_path, GOLDEN / "fleet.json", strange, GOLDEN / "fleet.json")["shown"]
    assert words in shown[1]["text"]
    assert "● running" in shown[1]["text"]
    assert words not in shown[2]["text"]


def test_redrawing_a_frame_adds_nothing_to_the_page(tmp_path: Path) -> None:
    """Rows are kept by their executor's id."""
    frames = [GOLDEN / "fleet.json"] * 20
    assert len({one["nodes"] for one in draw("fleet", tmp_path, *frames)["shown"]}) == 1


def test_a_terminal_never_loads_the_widgets() -> None:
    """Showing as text must not cost the import of ipywidgets."""
    code = (
        "import sys; from sparkk8s_nb.views import show; from sparkk8s_nb.telemetry.feed import Feed;"
        "from sparkk8s_nb.model.fleet import Fleet; view = show.show_fleet(Feed(Fleet(wanted=1)), {});"
        "view.finish('over'); assert not {'ipywidgets', 'anywidget', 'IPython'} & set(sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.endswith("over\n")
