"""Actions of a page: the kernel is asked, and Jupyter's server where the kernel does not hear."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import sparkk8s_nb.views
from tests.unit.views.scripts import node

ACTIONS = Path(sparkk8s_nb.views.__file__).with_name("static") / "actions.js"

AROUND = """
const timers = [];
globalThis.setTimeout = (run, ms) => timers.push({ run, ms });
globalThis.clearTimeout = (number) => { if (timers[number - 1]) timers[number - 1].run = () => {}; };
globalThis.document = {
  cookie: "theme=dark; _xsrf=2%7Cabc",
  body: { dataset: {} },
  getElementById: (id) => CONFIG && id === "jupyter-config-data" ? { textContent: CONFIG } : null,
};
const sent = [], told = [], asked = [];
const heard = new Set();
const model = { send: (m) => sent.push(m), on: (_, f) => heard.add(f), off: (_, f) => heard.delete(f) };
const tell = (message) => heard.forEach((f) => f(message));
const late = async () => { for (const t of timers.splice(0)) if (t.ms === 1500) await t.run(); };
const turns = async () => { for (let n = 0; n < 20; n += 1) await null; };
const results = [];
const act = (promise) => promise.then((answer) => results.push(answer));
const done = () => console.log(JSON.stringify({ sent, told, asked, results, left: heard.size }));
const say = (answer) => told.push(answer);
"""


LONGEST = "for (const { run } of timers.splice(0)) run();"


def run(folder: Path, body: str, config: str = "") -> dict[str, Any]:
    script = folder / "actions.mjs"
    script.write_text(
        f"const CONFIG = {json.dumps(config)};\n{AROUND}\n{ACTIONS.read_text()}\n{body}\ndone();\n"
    )
    found: dict[str, Any] = json.loads(node(script))
    return found


def test_an_action_is_sent_and_resolves_to_what_the_kernel_says(tmp_path: Path) -> None:
    """Answers of others' actions, and frames, are none of its business."""
    found = run(
        tmp_path,
        """
const actions = actionsOver(model);
act(actions.scale(4));
act(actions.log("3"));
tell({ kind: "keyframe" });
tell({ done: "other", said: "not mine" });
for (const { id } of sent) tell({ heard: id });
await late();
tell({ done: sent[1].id, lines: ["a", "b"] });
tell({ done: sent[0].id, problem: "No.", fix: "Ask for less." });
await turns();
""",
    )
    ids = [message.pop("id") for message in found["sent"]]
    assert len({*ids}) == 2
    assert found["sent"] == [{"do": "scale", "executors": 4}, {"do": "log", "executor": "3"}]
    assert found["results"] == [{"lines": ["a", "b"]}, {"problem": "No.", "fix": "Ask for less."}]


def test_where_the_kernel_does_not_hear_the_server_is_asked_for_the_same_action(tmp_path: Path) -> None:
    """With the same id: the kernel does it once, though it hears of it twice."""
    found = run(
        tmp_path,
        """
const server = async (message) => {
  asked.push(message);
  return { status: 200, answer: { done: message.id, said: "Stopped." } };
};
const actions = actionsOver(model, { server });
act(actions.stop(say));
await late();
tell({ heard: sent[0].id });
tell({ done: sent[0].id, said: "a second answer" });
await turns();
""",
    )
    assert found["asked"] == found["sent"]
    assert found["results"] == [{"said": "Stopped."}]


@pytest.mark.parametrize(
    ("server", "words"),
    [
        ("null", "The kernel is busy"),
        ("async () => null", "The kernel is busy"),
        ("async () => ({ status: 404, answer: null })", "The kernel is busy"),
        ("async () => { throw new Error('no network'); }", "The kernel is busy"),
        ("async () => ({ status: 403, answer: null })", "reload it and log in again"),
        (
            "async ({ id }) => ({ status: 200, answer: { done: id, heard: false, problem: 'No subshells.' } })",
            "No su",
        ),
        (
            "async ({ id }) => ({ status: 200, answer: { done: id, heard: true, problem: 'Not done after 90 s.' } })",
            "Not done",
        ),
    ],
)
def test_where_nobody_hears_it_is_said_and_the_kernels_answer_still_counts(
    server: str, words: str, tmp_path: Path
) -> None:
    """The message waits in the kernel's queue."""
    found = run(
        tmp_path,
        f"""
const actions = actionsOver(model, {{ server: {server} }});
act(actions.cancel({{ tag: "t", id: "c-7" }}, say));
await late();
await turns();
tell({{ heard: sent[0].id }});
tell({{ done: sent[0].id, said: "Cancelled 1 job of cell [7]." }});
await turns();
""",
    )
    (told,) = found["told"]
    assert words in told["said"]
    assert found["results"] == [{"said": "Cancelled 1 job of cell [7]."}]


def test_a_view_that_is_closed_waits_for_nothing(tmp_path: Path) -> None:
    """And listens no more."""
    found = run(
        tmp_path,
        """
const actions = actionsOver(model);
act(actions.cancelAll());
actions.dispose();
await turns();
""",
    )
    assert (found["left"], found["results"]) == (0, [{"problem": "The view was closed.", "fix": ""}])


def test_a_view_that_is_closed_is_not_told_so_of_what_it_waits_for_no_longer(tmp_path: Path) -> None:
    """Its button is back, and what was said is still so."""
    found = run(
        tmp_path,
        f"""
const actions = actionsOver(model);
act(actions.stop(say));
await late();
{LONGEST}
actions.dispose();
await turns();
""",
    )
    assert found["results"] == found["told"]


FETCHED = """
globalThis.fetch = async (url, options) => {
  asked.push({ url, ...options, body: JSON.parse(options.body) });
  return { status: STATUS, json: async () => { if (STATUS === 502) throw new Error("no JSON"); return ANSWER; } };
};
"""


@pytest.mark.parametrize(
    ("status", "answer", "told"),
    [
        (200, {"done": "x1", "said": "Stopped."}, {"done": "x1", "said": "Stopped."}),
        (404, {"message": "Not Found"}, None),
        (409, {"problem": "It has ended.", "fix": "Start."}, {"problem": "It has ended.", "fix": "Start."}),
        (502, {}, None),
    ],
)
def test_the_server_is_found_in_the_page_and_asked_with_its_token_against_forgery(
    status: int, answer: dict[str, Any], told: Any, tmp_path: Path
) -> None:
    """JupyterLab and Notebook 7 write where they are into the page."""
    body = (
        f"const STATUS = {status}, ANSWER = {json.dumps(answer)};{FETCHED}"
        """
const found = await pageServer(() => "k 1")({ do: "stop", id: "x1" });
results.push(found);
"""
    )
    found = run(tmp_path, body, json.dumps({"baseUrl": "/user/ada/", "token": "secret"}))
    assert found["results"] == [{"status": status, "answer": told}]
    (request,) = found["asked"]
    assert request["url"] == "/user/ada/sparkk8s/api/kernels/k%201/actions"
    assert request["method"] == "POST"
    assert request["headers"]["X-XSRFToken"] == "2|abc"
    assert request["headers"]["Authorization"] == "token secret"
    assert request["body"] == {"do": "stop", "id": "x1"}


@pytest.mark.parametrize("config", ["", "{not json", "{}"])
def test_a_page_of_no_jupyter_server_has_no_second_way(config: str, tmp_path: Path) -> None:
    """VS Code's."""
    body = 'results.push(await pageServer(() => "k")({ do: "stop", id: "x" }));'
    assert run(tmp_path, body, config)["results"] == [None]


def test_before_a_frame_has_told_the_kernel_there_is_no_second_way(tmp_path: Path) -> None:
    """Nobody could say which kernel is meant."""
    body = 'results.push(await pageServer(() => undefined)({ do: "stop", id: "x" }));'
    assert run(tmp_path, body, '{"baseUrl": "/"}')["results"] == [None]


def test_what_waits_for_the_end_of_a_cell_is_not_told_as_failed(tmp_path: Path) -> None:
    """The button can be pressed again after a while, and what comes of it is told in the end."""
    found = run(
        tmp_path,
        f"""
const actions = actionsOver(model);
act(actions.stop(say));
await late();
await turns();
{LONGEST}
await turns();
tell({{ heard: sent[0].id }});
tell({{ done: sent[0].id, problem: "No.", fix: "Wait." }});
await turns();
""",
    )
    busy, late = found["told"]
    assert "when its cell has ended" in busy["said"]
    assert late == {"problem": "No.", "fix": "Wait."}
    assert found["results"] == [busy]


def test_a_kernel_that_has_heard_and_says_nothing_more_is_told_as_silent(tmp_path: Path) -> None:
    """Also where the server, asked meanwhile, does not know better."""
    found = run(
        tmp_path,
        f"""
let answer;
const server = () => new Promise((resolve) => {{ answer = resolve; }});
const actions = actionsOver(model, {{ server }});
act(actions.stop(say));
late();
tell({{ heard: sent[0].id }});
answer({{ status: 404, answer: null }});
await turns();
{LONGEST}
await turns();
""",
    )
    assert found["told"] == []
    assert [answer["problem"] for answer in found["results"]] == ["The kernel has not answered."]
