"""``%sparkk8s conf``: what is in effect, and what can be changed now."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from sparkk8s_nb.errors import UsageError
from sparkk8s_nb.magics.conf_command import change_conf, conf_table
from sparkk8s_nb.model.settings import resolve
from sparkk8s_nb.model.spec import GIB, ClusterTarget, ExecutorSpec, SessionSpec, TargetKind
from sparkk8s_nb.model.startline import parse_start


class RuntimeConf(dict):
    def isModifiable(self, key):
        return key.startswith("spark.sql.")

    def set(self, key, value):
        self[key] = value


class Session:
    def __init__(self):
        self.spec = SessionSpec(
            name="s",
            owner="a",
            notebook="n",
            target=ClusterTarget(kind=TargetKind.EMBEDDED, namespace="default", context="embedded"),
            executors=3,
            executor=ExecutorSpec(cores=1, cpu_millis=500, memory=2 * GIB),
            driver_memory=2 * GIB,
        )
        self.spark = SimpleNamespace(conf=RuntimeConf())
        self.scaled, self.progress = [], []

    def scale(self, count):
        self.scaled.append(count)

    def show_progress(self, wanted):
        self.progress.append(wanted)


def rows(line="", session=None, key=""):
    settings = resolve((), parse_start(line.split()))
    return {row["setting"]: row for row in conf_table(settings, session, key)}


def test_every_setting_is_shown_with_its_origin():
    """What the start computes is empty before, and computed while a session runs."""
    before = rows("--cores 2 --conf spark.sql.shuffle.partitions=8")
    assert before["cores"] == {"setting": "cores", "value": "2", "origin": "line", "changes": "at restart"}
    assert before["executors"]["changes"] == "now"
    assert before["memory"]["value"] == ""
    assert before["spark.sql.shuffle.partitions"]["value"] == "8"
    running = rows(session=Session())
    assert (running["memory"]["value"], running["memory"]["origin"]) == ("2 GiB", "computed")


def test_one_setting_can_be_asked_for():
    """By either of its names; an unknown one is an error that guesses."""
    assert list(rows(key="num-executors")) == ["executors"]
    with pytest.raises(UsageError) as caught:
        rows(key="memry")
    assert caught.value.fix == "Did you mean memory?"


def test_a_secret_is_hidden():
    """Outputs are saved."""
    shown = rows("--conf spark.hadoop.fs.s3a.secret.key=hunter2")
    assert shown["spark.hadoop.fs.s3a.secret.key"]["value"] == "(hidden)"


@pytest.mark.parametrize("key", ["executors", "num-executors", "spark.executor.instances"])
def test_the_number_of_executors_changes_now(key):
    """By scaling, whatever it is called."""
    session = Session()
    assert change_conf(session, key, "4") == "Scaling to 4 executors."
    assert session.scaled == [4]
    with pytest.raises(UsageError):
        change_conf(session, key, "0")


def test_progress_changes_now():
    """As the table says."""
    session = Session()
    assert change_conf(session, "progress", "off") == "progress = off, from the next cell on."
    assert session.progress == [False]


def test_a_runtime_conf_of_sql_changes_now():
    """Spark itself says which can."""
    session = Session()
    assert "from now on" in change_conf(session, "spark.sql.shuffle.partitions", "8")
    assert session.spark.conf == {"spark.sql.shuffle.partitions": "8"}


@pytest.mark.parametrize(
    ("key", "line"),
    [
        ("memory", "--memory 4g"),
        ("executor_memory", "--executor-memory 4g"),
        ("memory_overhead", "--conf spark.executor.memoryOverhead=4g"),
        ("spark.executor.memory", "--executor-memory 4g"),
        ("spark.rdd.compress", "--conf spark.rdd.compress=4g"),
    ],
)
def test_what_takes_a_new_start_gives_its_line(key, line):
    """To be copied; it parses."""
    with pytest.raises(UsageError, match="cannot be changed while the session runs") as caught:
        change_conf(Session(), key, "4g")
    assert caught.value.fix == f"Start anew: %sparkk8s start --restart {line}"
    parse_start(caught.value.fix.partition("%sparkk8s start ")[2].split())
