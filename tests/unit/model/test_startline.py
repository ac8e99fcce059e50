"""What one start says."""

from __future__ import annotations

import contextlib
import shlex
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparkk8s_nb.errors import UsageError
from sparkk8s_nb.model.options import BY_FLAG
from sparkk8s_nb.model.quantities import GIB, MIB
from sparkk8s_nb.model.startline import parse_start, split_start, start_from


def values(line: str) -> dict[str, object]:
    """Read a line that has no quotes."""
    return dict(parse_start(line.split()).values)


def refused(line: str) -> UsageError:
    """Return the error of a line, which is two lines long."""
    with pytest.raises(UsageError) as caught:
        parse_start(line.split())
    assert "\n" not in caught.value.problem
    assert "\n" not in caught.value.fix
    return caught.value


def test_a_line_holds_only_what_was_said():
    """Defaults come later."""
    assert values("") == {}
    assert values("-n 4 --cores 2 --memory 8g --timeout 5m") == {
        "executors": 4,
        "cores": 2,
        "memory": 8 * GIB,
        "timeout": 300.0,
    }


@pytest.mark.parametrize(
    "line", ["-n 4", "-n4", "-n=4", "--executors 4", "--executors=4", "--num-executors 4"]
)
def test_an_option_has_several_spellings(line):
    """Short, long, Spark's own, with a space or an equals sign."""
    assert values(line) == {"executors": 4}


def test_every_option_of_the_design_is_read():
    """One line with all of them."""
    found = parse_start(
        shlex.split(
            "--driver-memory 2g --disk 20g --image spark:4.3 --namespace team-a --context kind "
            "--profile big --pod-template pod.yaml --conf spark.sql.shuffle.partitions=8 "
            "--conf spark.a=b=c --packages g:a:1,g:b:2 --packages g:c:3 --py-files a.py --py-files b.zip "
            "--wait all --timeout 90 --restart --driver-address dns --progress off --event-log off "
            "--name 'My flights'"
        )
    )
    assert found.restart
    assert found.profile == "big"
    assert dict(found.values) == {
        "driver_memory": 2 * GIB,
        "disk": 20 * GIB,
        "image": "spark:4.3",
        "namespace": "team-a",
        "context": "kind",
        "pod_template": Path("pod.yaml"),
        "conf": {"spark.sql.shuffle.partitions": "8", "spark.a": "b=c"},
        "packages": ("g:a:1", "g:b:2", "g:c:3"),
        "py_files": ("a.py", "b.zip"),
        "wait": "all",
        "timeout": 90.0,
        "driver_address": "dns",
        "progress": False,
        "event_log": False,
        "name": "My flights",
    }


@pytest.mark.parametrize(
    ("line", "problem", "fix"),
    [
        ("--memroy 4g", "no option --memroy", "Did you mean --memory?"),
        ("--bananas 4", "no option --bananas", "--help"),
        ("-x 4", "no option -x", "--help"),
        ("--master local", "--master", "--context"),
        ("--jars a.jar", "--jars", "--conf spark.jars="),
        ("-n 0", "must be at least 1", "-n 4"),
        ("-n -3", "must be at least 1", "-n 4"),
        ("-n two", "not a whole number", "-n 4"),
        ("--memory 2x", "--memory 2x is not an amount of memory", "--memory 8g"),
        ("--memory 8", "(8 MiB) is too small", "--memory 8g; the least is 834 MiB"),
        ("--driver-memory 2x", "--driver-memory 2x", "--driver-memory 2g"),
        ("--disk much", "--disk much is not an amount of disk space", "--disk 20g"),
        ("--image Team/Spark", "--image Team/Spark", "--image"),
        ("--namespace Team", "--namespace Team", "--namespace team"),
        ("--timeout soon", "--timeout soon", "--timeout 5m"),
        ("--wait some", "--wait some", "--wait all"),
        ("--driver-address name", "neither ip nor dns", "--driver-address ip"),
        ("--packages spark-avro", "'spark-avro'", "GROUP:ARTIFACT:VERSION"),
        ("--conf spark.x", "'spark.x' has no value", "--conf KEY=VALUE"),
        ("--conf hive.x=1", "hive.x is not a conf", "spark.hadoop.hive.x"),
        ("--conf spark.driver.host=x", "spark.driver.host", "--driver-address"),
        ("--conf spark.kubernetes.namespace=x", "set by the toolkit", "Use --namespace."),
        ("--conf spark.executor.memory=2x", "--conf spark.executor.memory=2x", 'spark.executor.memory="4g"'),
        ("--min 2", "not available yet", "scale N"),
        ("--max 9", "not available yet", "-n N"),
        ("--memory", "--memory has no value", "--memory 8g"),
        ("--memory --cores 2", "--memory has no value", "--memory 8g"),
        ("--memory -n 2", "--memory has no value", "--memory 8g"),
        ("--memory=", "is not an amount", "--memory 8g"),
        ("4", "what 4 is for", "-n 4"),
        ("memory=4g", "memory=4g is not an option", "--memory 4g"),
        ("memory 4g", "memory is not an option", "--memory 8g"),
        ("restart", "restart is not an option", "Write --restart"),
        ("etl.py", "etl.py is not an option", "--help"),
        ("-n 2 --wait 5", "only 2 executors", "--wait all"),
        ("--restart=maybe", "neither on nor off", "--restart on"),
    ],
)
def test_bad_input_says_what_is_wrong_and_what_to_write(line, problem, fix):
    """Two lines, the option at fault in the first, the remedy in the second."""
    error = refused(line)
    assert problem in error.problem
    assert fix in error.fix


@pytest.mark.parametrize(
    "line",
    [
        "--cores 2 --cores 3",
        "--cores 2 --executor-cores 3",
        "-n 2 --num-executors 3",
        "-n 2 --conf spark.executor.instances=3",
        "--memory 4g --executor-memory 3g",
        "--memory 4g --conf spark.executor.memory=4g",
        "--conf spark.x=1 --conf spark.x=2",
        "--profile a --profile b",
        "--restart --restart=off",
    ],
)
def test_values_that_contradict_are_refused(line):
    """Which one was meant is not guessed."""
    assert "Keep" in refused(line).fix


@pytest.mark.parametrize(
    "line", ["--cores 2 --executor-cores 2", "--memory 4g --memory 4096m", "--restart --restart"]
)
def test_the_same_value_twice_is_fine(line):
    """Nothing is lost."""
    assert parse_start(line.split())


def test_a_contradiction_never_shows_a_secret():
    """The names are enough."""
    error = refused(
        "--conf spark.hadoop.fs.s3a.secret.key=abcdef --conf spark.hadoop.fs.s3a.secret.key=ghijkl"
    )
    assert "abcdef" not in str(error)
    assert "ghijkl" not in str(error)


def test_confs_that_mean_an_option_become_its_value():
    """With Spark's meaning: a bare number is MiB, memory is the heap."""
    assert values(
        "--conf spark.executor.instances=3 --conf spark.executor.cores=1 --conf spark.executor.memory=2048 "
        "--conf spark.executor.memoryOverhead=512 --conf spark.kubernetes.memoryOverheadFactor=0.2 "
        "--conf spark.driver.memory=2g --conf spark.jars.packages=g:a:1 --conf spark.submit.pyFiles=a.py,b.py "
        "--conf spark.eventLog.enabled=false --conf spark.kubernetes.executor.request.cores=500m"
    ) == {
        "executors": 3,
        "cores": 1,
        "executor_memory": 2 * GIB,
        "memory_overhead": 512 * MIB,
        "memory_overhead_factor": 0.2,
        "driver_memory": 2 * GIB,
        "packages": ("g:a:1",),
        "py_files": ("a.py", "b.py"),
        "event_log": False,
        "cpu": 500,
    }


def test_an_overhead_that_leaves_no_heap_is_refused():
    """The whole pod and its overhead may both be given, as long as a heap remains."""
    assert values("--memory 2g --conf spark.executor.memoryOverhead=1g")["memory_overhead"] == GIB
    assert (
        "leaves less than 450 MiB"
        in refused("--memory 2g --conf spark.executor.memoryOverhead=1800m").problem
    )


def test_a_script_ends_the_options():
    """What follows is the script's, also where it looks like an option."""
    found = split_start(
        ["-n", "2", "--json", "etl.py", "--memory", "9", "--json"], flags={"--json", "--quiet"}
    )
    assert dict(found.line.values) == {"executors": 2}
    assert found.flags == {"--json"}
    assert found.rest == ("etl.py", "--memory", "9", "--json")
    assert split_start(["--", "-n.py"]).rest == ("-n.py",)


def test_python_takes_values_of_their_own_types():
    """Numbers, lists, paths, dictionaries; None is not given."""
    found = start_from(
        {
            "executors": 4,
            "driver_memory": "2g",
            "timeout": 2.5,
            "event_log": False,
            "progress": True,
            "restart": True,
            "pod_template": Path("pod.yaml"),
            "packages": ["g:a:1"],
            "py_files": "a.py",
            "conf": {"spark.sql.shuffle.partitions": 8, "spark.x": True, "spark.executor.cores": 3},
            "image": None,
            "profile": "big",
        }
    )
    assert found.restart
    assert found.profile == "big"
    assert dict(found.values) == {
        "executors": 4,
        "driver_memory": 2 * GIB,
        "timeout": 2.5,
        "event_log": False,
        "progress": True,
        "pod_template": Path("pod.yaml"),
        "packages": ("g:a:1",),
        "py_files": ("a.py",),
        "cores": 3,
        "conf": {"spark.sql.shuffle.partitions": "8", "spark.x": "true"},
    }


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"executros": 2}, "Did you mean executors?"),
        ({"executors": 0}, "executors=4"),
        ({"executors": True}, "executors=4"),
        ({"memory": "2x"}, 'memory="8g"'),
        ({"memory": ["8g"]}, 'memory="8g"'),
        ({"conf": "spark.x=1"}, "shuffle.partitions"),
        ({"conf": {"spark.x": [1]}}, "spark.x is neither"),
        ({"conf": {"spark.driver.memory": "2x"}}, 'conf "spark.driver.memory" = "2g"'),
        ({"min": 2}, "not available yet"),
    ],
)
def test_python_gets_errors_in_its_own_spelling(options, text):
    """``memory="8g"``, not ``--memory 8g``."""
    with pytest.raises(UsageError) as caught:
        start_from(options)
    assert text in str(caught.value)


words = st.sampled_from(
    [*BY_FLAG, "2", "4g", "spark.x=1", "on", "-", "=", "--", "-n=", "--conf=", "x y"]
) | st.text(max_size=8)


@given(st.lists(words, max_size=8))
def test_no_line_ends_in_anything_but_a_value_or_a_usage_error(line):
    """No SystemExit, no trace."""
    with contextlib.suppress(UsageError):
        parse_start(line)
