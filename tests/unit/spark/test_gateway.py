"""Launching the driver's JVM: in a process session of its own, with little on its command line."""

from __future__ import annotations

import dataclasses
import os
import stat
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from sparkk8s_nb.errors import DriverError
from sparkk8s_nb.processes import is_alive
from sparkk8s_nb.spark import gateway
from sparkk8s_nb.spark.driver_logging import write_log4j2
from sparkk8s_nb.spark.gateway import OWN_ACCESS, LaunchPlan, launch_jvm
from sparkk8s_nb.spark.java import Java


@pytest.fixture
def plan(tmp_path):
    (tmp_path / "scratch").mkdir()
    return LaunchPlan(
        java=Java(home=Path("/jdk"), version=17),
        memory="2048m",
        log4j2=tmp_path / "log4j2.properties",
        output=tmp_path / "driver.out",
        scratch=tmp_path / "scratch",
    )


@pytest.fixture
def spark_home(tmp_path, monkeypatch):
    """A Spark whose spark-submit is what the test writes."""
    home = tmp_path / "spark"
    (home / "bin").mkdir(parents=True)
    (home / "jars").mkdir()
    monkeypatch.setattr("pyspark.find_spark_home._find_spark_home", lambda: str(home))
    started = []

    def submit(code):
        script = home / "bin" / "spark-submit"
        script.write_text(f"#!{sys.executable}\nimport os, sys, struct, time\n{code}\n")
        script.chmod(0o755)

    def launch(plan):
        started.append(launch_jvm(plan))
        return started[-1]

    submit.launch = launch
    yield submit
    for jvm in started:
        jvm.end(grace=0.1)
        assert not is_alive(jvm.process)
        assert not jvm._connection.parent.exists()


def test_only_what_must_be_known_at_launch_is_on_the_command_line(plan):
    """Every user of the machine can read it."""
    full = LaunchPlan(
        java=plan.java, memory="1g", log4j2=plan.log4j2, output=plan.output, scratch=plan.scratch,
        packages=("g:a:1", "g:b:2"), class_path="/x.jar", java_options="-Dx=1",
        extra={"spark.jars.repositories": "https://ada:word@example.com"},
    )  # fmt: skip
    command = gateway._command(full, "/spark")
    properties = plan.scratch / "launch.properties"
    assert command == [
        "/spark/bin/spark-submit",
        "--driver-memory",
        "1g",
        "--driver-java-options",
        f"-Dlog4j2.configurationFile={plan.log4j2.as_uri()} -Djava.io.tmpdir={plan.scratch} {OWN_ACCESS} -Dx=1",
        "--packages",
        "g:a:1,g:b:2",
        "--driver-class-path",
        "/x.jar",
        "--properties-file",
        str(properties),
        "--load-spark-defaults",
        "pyspark-shell",
    ]
    assert properties.read_text() == "spark.jars.repositories https://ada:word@example.com\n"
    assert stat.S_IMODE(properties.stat().st_mode) == 0o600
    assert "--packages" not in gateway._command(plan, "/spark")


def test_a_users_own_option_for_the_archive_of_classes_wins(plan):
    """Java takes the last of two."""
    full = dataclasses.replace(
        plan, class_archive=Path("/cache/driver.jsa"), java_options="-XX:SharedArchiveFile=/mine"
    )
    command = gateway._command(full, "/spark")
    options = command[command.index("--driver-java-options") + 1]
    assert options.endswith("-XX:SharedArchiveFile=/cache/driver.jsa -XX:SharedArchiveFile=/mine")


def test_the_jvm_is_outside_of_the_kernels_process_group(plan, spark_home):
    """Jupyter interrupts and kills the whole group."""
    spark_home("sys.stdin.read()")
    jvm = spark_home.launch(plan)
    assert os.getsid(jvm.process.pid) == jvm.process.pid
    assert os.getpgid(jvm.process.pid) != os.getpgid(0)


def test_its_output_goes_to_a_private_file(plan, spark_home):
    """Never into a cell."""
    spark_home("print('out'); print('err', file=sys.stderr)")
    jvm = spark_home.launch(plan)
    jvm._process.wait(20)
    assert set(plan.output.read_text().split()) == {"out", "err"}
    assert plan.output.stat().st_mode & 0o777 == 0o600


def test_the_environment_is_sparks_and_without_anothers_gateway(plan, spark_home, monkeypatch):
    """A kernel inside of a Spark job would hand its own JVM on."""
    monkeypatch.setenv("PYSPARK_GATEWAY_PORT", "1")
    monkeypatch.setenv("PYSPARK_SUBMIT_ARGS", "--master local pyspark-shell")
    monkeypatch.setenv("SPARK_REMOTE", "sc://x")
    names = "JAVA_HOME SPARK_LOCAL_IP PYSPARK_GATEWAY_PORT PYSPARK_SUBMIT_ARGS SPARK_REMOTE"
    spark_home(f"print([os.environ.get(name) for name in '{names}'.split()])")
    jvm = spark_home.launch(plan)
    jvm._process.wait(20)
    assert plan.output.read_text().strip() == "['/jdk', '127.0.0.1', None, None, None]"


def test_a_jvm_that_ends_at_once_gives_its_reason(plan, spark_home):
    """The line that tells most, not the last."""
    spark_home("print('Starting'); print('Error: Could not find package g:a:1'); print('bye'); sys.exit(3)")
    jvm = spark_home.launch(plan)
    with pytest.raises(
        DriverError, match=r"ended with code 3: Error: Could not find package g:a:1"
    ) as caught:
        jvm.connect(timeout=20)
    assert "--packages" in caught.value.fix


def test_a_jvm_that_never_listens_is_not_waited_for_for_ever(plan, spark_home):
    """After the timeout, with what it said last; it is ended afterwards."""
    spark_home("print('thinking', flush=True); sys.stdin.read()")
    jvm = spark_home.launch(plan)
    with pytest.raises(DriverError, match="did not come up within 0 s"):
        jvm.connect(timeout=0)


def test_the_port_and_the_secret_are_read_once_and_the_file_goes(plan, spark_home):
    """They never enter os.environ for longer than pyspark's one look."""
    spark_home(
        "path = os.environ['_PYSPARK_DRIVER_CONN_INFO_PATH']\n"
        "data = struct.pack('!ii', 4321, 6) + b'secret'\n"
        "open(path + '.new', 'wb').write(data); os.rename(path + '.new', path); sys.stdin.read()"
    )
    jvm = spark_home.launch(plan)
    assert jvm._read_connection(20) == (4321, "secret")
    assert not jvm._connection.exists()
    assert "PYSPARK_GATEWAY_SECRET" not in os.environ


def test_a_spark_without_its_programs_is_an_error_and_leaves_nothing(plan, tmp_path, monkeypatch):
    """Not an OSError."""
    import tempfile

    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    (tmp_path / "broken" / "jars").mkdir(parents=True)
    monkeypatch.setattr("pyspark.find_spark_home._find_spark_home", lambda: str(tmp_path / "broken"))
    with pytest.raises(DriverError, match="cannot be started: No such file"):
        launch_jvm(plan)
    assert list((tmp_path / "tmp").iterdir()) == []


def test_ending_closes_the_input_first_then_insists(plan, spark_home):
    """A JVM that is stuck is killed."""
    spark_home("import signal; signal.signal(15, signal.SIG_IGN); print('up', flush=True); time.sleep(100)")
    jvm = spark_home.launch(plan)
    assert isinstance(jvm._process, subprocess.Popen)
    jvm.end(grace=0.05)
    assert not is_alive(jvm.process)
    jvm.end(grace=0.05)


def test_the_drivers_log_is_a_rotating_private_file(tmp_path):
    """Bounded: four files of 10 MB."""
    log = tmp_path / "driver.log"
    text = write_log4j2(tmp_path, log).read_text()
    assert f"appender.file.fileName = {log}" in text
    assert "10MB" in text
    assert "filePermissions = rw-------" in text
    assert log.stat().st_mode & 0o777 == 0o600


def test_the_jvm_is_told_what_kind_of_key_it_has(plan):
    """Nothing where there is none; a proxy's address, which may hold a password, is no argument."""
    told = gateway._command(replace(plan, key_algorithm="EC", proxy="http://u:hidden@proxy"), "/spark")
    assert "-Dkubernetes.certs.client.key.algo=EC" in " ".join(told)
    assert "hidden" not in " ".join(told)
    assert "key.algo" not in " ".join(gateway._command(plan, "/spark"))


def test_the_repr_of_a_plan_shows_nothing_that_may_hold_a_password(plan):
    """A trace that is shown or logged shows it."""
    secret = {"extra": {"spark.jars.repositories": "https://u:hidden@example.com"}}
    assert "hidden" not in repr(
        replace(plan, proxy="http://u:hidden@proxy", java_options="-Dp=hidden", **secret)
    )


def test_the_driver_s_python_comes_first_on_the_jvm_s_path(plan, spark_home, tmp_path):
    """Spark starts one for some queries, by the name that any image knows."""
    spark_home(f"open({str(tmp_path / 'told')!r}, 'w').write(os.environ['PATH'])\ntime.sleep(60)")
    jvm = spark_home.launch(plan)
    deadline = time.monotonic() + 30
    while not (tmp_path / "told").exists() or not (tmp_path / "told").read_text():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert (tmp_path / "told").read_text().split(os.pathsep)[0] == str(Path(sys.executable).parent)
    jvm.end(grace=0.1)
