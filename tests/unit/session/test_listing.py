"""Sessions and clusters as rows."""

from __future__ import annotations

import contextlib
import time
from dataclasses import replace

import pytest

from sparkk8s_nb.errors import ConnectError
from sparkk8s_nb.model.record import Holder, SessionRecord
from sparkk8s_nb.model.spec import GIB, ClusterTarget, TargetKind
from sparkk8s_nb.model.usage import Usage
from sparkk8s_nb.processes import boot_id
from sparkk8s_nb.session import listing
from sparkk8s_nb.session.directory_locks import locked_directories
from sparkk8s_nb.session.orphans import FoundSession
from sparkk8s_nb.testing import FakeCluster

KUBECONFIG = """\
contexts: [{name: lab, context: {cluster: c, user: u, namespace: team}}]
clusters: [{name: c, cluster: {server: "https://127.0.0.1:6443"}}]
users: [{name: u, user: {token: t}}]
"""


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A user without settings."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("SPARKK8S_RUNTIME_DIR", str(tmp_path / "run"))
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def environ(home):
    """An environment whose runtime directory is the test's own."""
    return {"HOME": str(home), "SPARKK8S_RUNTIME_DIR": str(home / "run")}


def settings(home, text):
    file = home / "config" / "sparkk8s" / "config.toml"
    file.parent.mkdir(parents=True)
    file.write_text(text)


def session(name, *, dead=False, here=True, record=True, usage=None):
    value = SessionRecord(
        name=name, owner="ada", notebook="n", namespace="default",
        holder=Holder(boot="b", pid=1, started=1.0), app_id="spark-1", executors=2, cores=1,
        memory=2 * GIB, started=time.time() - 60,
    )  # fmt: skip
    return FoundSession(
        name=name, uid="u", owner="ada", notebook="n", namespace="default", renewed="",
        record=value if record else None, dead=dead, here=here, usage=usage,
    )  # fmt: skip


def test_without_a_kubeconfig_there_is_this_machine(home):
    """And it is what a start would take."""
    rows = listing.list_contexts({"HOME": str(home)})
    assert [(row.name, row.chosen) for row in rows] == [("embedded", True)]


def test_a_context_of_the_settings_is_marked_and_a_wrong_one_is_no_error(home):
    """The command that shows what there is must work when the settings name what is not."""
    (home / "kc").write_text(KUBECONFIG)
    environ = {"KUBECONFIG": str(home / "kc"), "HOME": str(home)}
    settings(home, '[start]\ncontext = "lab"\n')
    assert [(row.name, row.chosen) for row in listing.list_contexts(environ)] == [
        ("embedded", False),
        ("lab", True),
    ]
    (home / "config" / "sparkk8s" / "config.toml").write_text('[start]\ncontext = "gone"\n')
    assert not any(row.chosen for row in listing.list_contexts(environ))


def test_a_kubeconfig_that_cannot_be_read_is_told(home):
    """Not passed over as if there were none."""
    (home / "kc").write_text("a: [1")
    with pytest.raises(ConnectError, match="malformed"):
        listing.list_contexts({"KUBECONFIG": str(home / "kc"), "HOME": str(home)})


def test_in_a_pod_its_cluster_is_a_choice(home, monkeypatch):
    """The one that is taken unless a context is named."""
    monkeypatch.setattr(listing, "in_cluster", lambda environ: True)
    monkeypatch.setattr(listing, "own_namespace", lambda: "notebooks")
    rows = listing.list_contexts({"HOME": str(home)})
    assert [(row.server, row.namespace, row.chosen) for row in rows] == [
        ("this machine", "default", False),
        ("this pod's cluster", "notebooks", True),
    ]


def test_listing_starts_no_cluster(environ, monkeypatch):
    """Where none runs there are no sessions."""
    monkeypatch.setattr(listing.embedded, "status", lambda: None)
    assert listing.list_sessions(environ=environ) == []
    assert listing.sweep(consent=lambda dead: True, environ=environ).dead == []


@pytest.fixture
def found(home, monkeypatch):
    sessions = [session("a"), session("b", dead=True), session("c", here=False, record=False)]
    removed = []
    target = ClusterTarget(kind=TargetKind.CONTEXT, namespace="default", context="lab")
    monkeypatch.setattr(listing, "default_target", lambda environ: target)

    @contextlib.contextmanager
    def cluster(target, environ):
        yield FakeCluster()

    monkeypatch.setattr(listing, "cluster_without_session", cluster)
    monkeypatch.setattr(listing, "find_sessions", lambda cluster, owner: sessions)
    monkeypatch.setattr(listing, "still_proven", lambda cluster, dead: (dead, []))
    monkeypatch.setattr(listing, "remove_all", lambda cluster, dead: removed.extend(dead) or ["b: stuck"])
    return removed


def test_a_row_says_whether_its_kernel_lives(found):
    """Or that it cannot be told from here."""
    rows = {row.name: row for row in listing.list_sessions(environ={})}
    assert [rows[name].state for name in "abc"] == ["alive", "dead", "elsewhere"]
    assert (rows["a"].memory, rows["a"].age) == ("2 GiB", "1 min")
    assert rows["c"].as_dict()["app_id"] == ""


def test_a_row_says_what_its_executors_have_used(found, environ, monkeypatch):
    """As its Lease has it; nothing where that is not known."""
    used = Usage(executors=2, core_seconds=7200.0, gib_seconds=1800.0)
    sessions = [session("a", usage=used), session("b", record=False, usage=used), session("c")]
    monkeypatch.setattr(listing, "find_sessions", lambda cluster, owner: sessions)
    rows = listing.list_sessions(environ=environ)
    assert [(row.core_hours, row.gib_hours) for row in rows] == [(2.0, 0.5), (2.0, 0.5), (None, None)]


def test_only_the_dead_are_swept_and_only_when_told(found, environ):
    """Who is asked sees them first; what failed is said."""
    asked = []
    for answer in (None, False):
        shown = listing.sweep(
            consent=lambda dead, answer=answer: asked.append(dead) or answer, environ=environ
        )
        assert ([row.name for row in shown.dead], shown.removed, found) == (["b"], False, [])
        assert shown.declined is (answer is False)
    assert [[row.name for row in dead] for dead in asked] == [["b"], ["b"]]
    swept = listing.sweep(consent=lambda dead: True, environ=environ)
    assert ([item.name for item in found], swept.removed) == (["b"], True)
    assert swept.failures == ["b: stuck"]
    assert [row.name for row in swept.kept] == ["a", "c"]


def test_only_who_wants_it_waits_for_those_held_outside(found, environ, monkeypatch):
    """What nobody renews is dead then."""
    told = []

    def watching(waiting, left):
        told.append((waiting, left))

    def unrenewed(cluster, outside, tell):
        tell(len(outside), 900.0)
        return [replace(session, dead=True) for session in outside]

    monkeypatch.setattr(listing, "unrenewed", unrenewed)
    shown = listing.sweep(consent=lambda dead: None, watch=watching, environ=environ)
    assert ([row.name for row in shown.dead], told) == (["b"], [])
    outside = replace(session("d", here=False), uid="d")
    monkeypatch.setattr(listing, "find_sessions", lambda cluster, owner: [session("a"), outside])
    assert [row.name for row in listing.sweep(consent=lambda dead: None, environ=environ).dead] == []
    shown = listing.sweep(consent=lambda dead: None, watch=watching, environ=environ)
    assert ([row.name for row in shown.dead], [row.name for row in shown.kept], told) == (
        ["d"],
        ["a"],
        [(1, 900.0)],
    )


@pytest.mark.parametrize(
    ("still", "removed", "says"),
    [
        ([], False, "left alone: b, e. Nothing was removed."),
        (["e"], True, "left alone: b. The others were removed."),
    ],
)
def test_what_is_not_proven_any_more_after_the_answer_stays(
    found, environ, monkeypatch, still, removed, says
):
    """Whoever is asked may think for an hour, and a laptop that slept is back by then."""
    sessions = [session("b", dead=True), session("e", dead=True)]
    monkeypatch.setattr(listing, "find_sessions", lambda cluster, owner: sessions)
    monkeypatch.setattr(listing, "remove_all", lambda cluster, dead: found.extend(dead) or [])

    def looked_again(cluster, dead):
        return [one for one in dead if one.name in still], [one for one in dead if one.name not in still]

    monkeypatch.setattr(listing, "still_proven", looked_again)
    swept = listing.sweep(consent=lambda dead: True, environ=environ)
    assert ([one.name for one in found], swept.removed) == (still, removed)
    assert says in swept.outcome("gc --yes")


def test_nobody_is_asked_where_nothing_is_dead(found, environ, monkeypatch):
    """A question without an object."""
    monkeypatch.setattr(listing, "find_sessions", lambda cluster, owner: [session("a")])
    asked = []
    swept = listing.sweep(consent=asked.append, environ=environ)
    assert (swept.dead, swept.removed, swept.declined, asked) == ([], False, False, [])


@pytest.fixture
def abandoned(home):
    """A session's directory that no process uses, and one that somebody does."""
    with locked_directories(home / "run" / "sessions", boot_id()) as held:
        held.take("spark-dead-1", home / "scratch").release()
        lock = held.take("spark-alive-1", home / "scratch-2")
    yield home / "run" / "sessions"
    lock.release()


@pytest.mark.parametrize(
    ("dead", "answer", "failures", "left"),
    [
        ([], None, [], ["spark-alive-1"]),
        (["b"], True, [], ["spark-alive-1"]),
        (["b"], True, ["b: stuck"], ["spark-alive-1", "spark-dead-1"]),
        (["b"], False, [], ["spark-alive-1", "spark-dead-1"]),
        (["b"], None, [], ["spark-alive-1", "spark-dead-1"]),
    ],
)
def test_files_that_nobody_uses_go_with_what_they_stand_for(
    found, environ, abandoned, monkeypatch, dead, answer, failures, left
):
    """They are what tells the next sweep that there is something to do."""
    monkeypatch.setattr(
        listing, "find_sessions", lambda cluster, owner: [session(name, dead=True) for name in dead]
    )
    monkeypatch.setattr(listing, "remove_all", lambda cluster, dead: failures)
    listing.sweep(consent=lambda dead: answer, environ=environ)
    assert sorted(path.name for path in abandoned.iterdir()) == left
