"""What is told of the namespace's sessions, and how seldom they are asked for."""

from __future__ import annotations

import asyncio
import json
import shutil

import pytest

from sparkk8s_nb.server import namespace_list as module
from sparkk8s_nb.server.namespace_list import KEPT_SECONDS, OWN_SECONDS, ROWS, Listed, NamespaceSessions
from sparkk8s_nb.server.own_command import Ended
from sparkk8s_nb.server.service import Service
from sparkk8s_nb.testing import FakeClock

REFUSED = Ended(code=1, errors=b"We may not list Leases in team.\nAsk your administrator.\n")


def row(name, **fields):
    """A session as ``ps --json`` prints it."""
    found = {
        "name": name, "owner": "ada", "notebook": "salaries", "app_id": "spark-1", "executors": 2, "cores": 4,
        "memory": "8 GiB", "age": "3 min 2 s", "core_hours": None, "gib_hours": None, "state": "elsewhere",
    }  # fmt: skip
    return found | fields


def printed(*rows):
    return Ended(code=0, out=json.dumps(rows).encode())


class NoNotebooks:
    """A session manager that knows of none."""

    async def list_sessions(self):
        return []


class Ps:
    """Runs ``ps``: ends as the test says, when the test says."""

    def __init__(self, *endings):
        self.endings = list(endings)
        self.runs = 0
        self.go = asyncio.Event()
        self.go.set()

    async def __call__(self):
        self.runs += 1
        await self.go.wait()
        ending = self.endings.pop(0)
        if isinstance(ending, Exception):
            raise ending
        return ending


def test_a_session_is_told_without_its_notebook():
    """Whose notebook is called what is nobody's business."""
    listed = asyncio.run(NamespaceSessions(Ps(printed(row("spark-a-1")))).listed())
    (told,) = listed.rows
    assert told == {
        "name": "spark-a-1", "owner": "ada", "executors": 2, "cores": 4, "memory": "8 GiB", "age": "3 min 2 s",
        "state": "elsewhere",
    }  # fmt: skip


def test_however_many_ask_one_list_is_asked_for_and_holds_for_half_a_minute():
    """Tabs cost the cluster nothing."""
    clock = FakeClock(100.0)
    ps = Ps(printed(row("first")), printed(row("second")))
    sessions = NamespaceSessions(ps, clock)

    async def story():
        ps.go.clear()
        asking = [asyncio.create_task(sessions.listed()) for _ in range(5)]
        for _ in range(10):
            await asyncio.sleep(0)
        assert ps.runs == 1
        ps.go.set()
        names = {listed.rows[0]["name"] for listed in await asyncio.gather(*asking)}
        clock.sleep(KEPT_SECONDS - 1)
        names.add((await sessions.listed()).rows[0]["name"])
        assert (ps.runs, names) == (1, {"first"})
        clock.sleep(2)
        assert (await sessions.listed()).rows[0]["name"] == "second"

    asyncio.run(story())


def test_whoever_leaves_takes_nobody_elses_list_along():
    """A page that is closed while the list is asked for."""
    ps = Ps(printed(row("spark-a-1")))
    sessions = NamespaceSessions(ps)

    async def story():
        ps.go.clear()
        leaving, staying = (asyncio.create_task(sessions.listed()) for _ in range(2))
        await asyncio.sleep(0)
        leaving.cancel()
        await asyncio.sleep(0)
        ps.go.set()
        return await staying

    assert [told["name"] for told in asyncio.run(story()).rows] == ["spark-a-1"]


@pytest.mark.parametrize(
    ("ending", "problem", "fix"),
    [
        (REFUSED, "We may not list Leases in team.", "Ask your administrator."),
        (Ended(code=1, errors=b"boom"), "boom", "ps --all-users"),
        (Ended(code=1), "could not be listed", "ps --all-users"),
        (Ended(code=0, out=b"no JSON"), "could not be read", "ps --all-users"),
        (Ended(code=0, out=b'[{"name": "s"}]'), "could not be read", "ps --all-users"),
        (Ended(code=1, errors=b"x" * 5000), "x" * 300, "ps --all-users"),
        (TimeoutError(), "within 30 s", "ps --all-users"),
        (OSError("no more processes"), "no more processes", "ps --all-users"),
    ],
)
def test_what_cannot_be_listed_is_said_and_what_was_known_stays(ending, problem, fix):
    """In a line, and asked for no sooner than a list."""
    clock = FakeClock(100.0)
    ps = Ps(printed(row("spark-a-1")), ending)
    sessions = NamespaceSessions(ps, clock)

    async def story():
        await sessions.listed()
        clock.sleep(KEPT_SECONDS)
        await sessions.listed()
        return await sessions.listed()

    listed = asyncio.run(story())
    assert ps.runs == 2
    assert problem in listed.trouble.problem
    assert len(listed.trouble.problem) <= 300
    assert fix in listed.trouble.fix
    assert [told["name"] for told in listed.rows] == ["spark-a-1"]


def test_an_answer_has_a_bound():
    """However many sessions a namespace has."""
    listed = Listed(rows=[row(f"spark-{number}") for number in range(ROWS + 7)])
    rows, more = listed.without(frozenset({"spark-0"}))
    assert (len(rows), more, rows[0]["name"]) == (ROWS, 6, "spark-1")


def test_this_servers_own_sessions_are_not_told_again(runtime, make, tmp_path):
    """They stand above, live; those of this user's other kernels are others."""
    make("spark-mine")
    make("spark-elsewhere", kernel="k-2")
    namespace = NamespaceSessions(Ps(printed(*map(row, ("spark-mine", "spark-elsewhere", "spark-theirs")))))
    service = Service(kernels={"k-1"}, notebooks=None, runtime=runtime, state=tmp_path, namespace=namespace)
    answer = asyncio.run(service.namespace())
    assert [told["name"] for told in answer["sessions"]] == ["spark-elsewhere", "spark-theirs"]
    assert (answer["schema"], answer["more"], answer["problem"]) == (1, 0, None)


def test_a_session_of_this_servers_that_was_just_stopped_is_nobody_elses(runtime, make, tmp_path):
    """A list that is half a minute old still has it; whoever has its name later is told."""
    clock = FakeClock(100.0)
    place = make("spark-mine")
    namespace = NamespaceSessions(Ps(*[printed(row("spark-mine"))] * 2), clock)
    service = Service(
        kernels={"k-1"}, notebooks=NoNotebooks(), runtime=runtime, state=tmp_path, namespace=namespace
    )

    async def story():
        assert [own["name"] for own in (await service.sessions())["sessions"]] == ["spark-mine"]
        shutil.rmtree(place)
        clock.sleep(OWN_SECONDS - 1)
        assert (await service.namespace())["sessions"] == []
        clock.sleep(2)
        assert [told["name"] for told in (await service.namespace())["sessions"]] == ["spark-mine"]

    asyncio.run(story())


def test_why_there_is_no_list_is_part_of_the_answer(runtime, tmp_path):
    """The panel shows it to whoever asks."""
    namespace = NamespaceSessions(Ps(REFUSED))
    service = Service(kernels={}, notebooks=None, runtime=runtime, state=tmp_path, namespace=namespace)
    answer = asyncio.run(service.namespace())
    assert answer["problem"] == {
        "problem": "We may not list Leases in team.",
        "fix": "Ask your administrator.",
    }


def test_it_asks_the_command_that_people_use(monkeypatch):
    """With an end."""
    asked = []

    async def run_command(*words, seconds):
        asked.append((words, seconds))
        return printed()

    monkeypatch.setattr(module, "run_command", run_command)
    assert asyncio.run(NamespaceSessions().listed()).rows == ()
    assert asked == [(("ps", "--all-users"), module.ASK_SECONDS)]
