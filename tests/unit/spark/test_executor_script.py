"""The executors' start script finds Java and Spark in any image and hands Spark's arguments on."""

from __future__ import annotations

import subprocess
import sys
from importlib import resources

import pytest

SCRIPT = str(resources.files("sparkk8s_nb.spark").joinpath("executor.sh"))
OWN_PROCESSES = ("unshare", "--user", "--map-root-user", "--pid", "--fork", "--mount-proc", "--kill-child")


@pytest.fixture
def first_process():
    """The command that makes another one the first process, as in a container; skips where we may not."""
    if sys.platform != "linux":
        pytest.skip("process namespaces are Linux's")
    if subprocess.run([*OWN_PROCESSES, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no process namespace for us on this machine")
    return OWN_PROCESSES


@pytest.fixture
def image(tmp_path):
    """A file system with a Java that prints its arguments, and a Spark of jars."""
    java = tmp_path / "jdk" / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text('#!/bin/sh\nfor word in "$@"; do echo "<$word>"; done\necho "PYTHONPATH=$PYTHONPATH"\n')
    java.chmod(0o755)
    (tmp_path / "site" / "pyspark" / "jars").mkdir(parents=True)
    environ = {
        "PATH": "/usr/bin:/bin",
        "SPARKK8S_JAVA_HOME": str(tmp_path / "jdk"),
        "SPARKK8S_SPARK_HOME": str(tmp_path / "site" / "pyspark"),
        "SPARK_DRIVER_URL": "spark://driver",
        "SPARK_EXECUTOR_ID": "7",
        "SPARK_EXECUTOR_CORES": "2",
        "SPARK_EXECUTOR_MEMORY": "512m",
        "SPARK_APPLICATION_ID": "app",
        "SPARK_EXECUTOR_POD_IP": "10.0.0.1",
        "SPARK_EXECUTOR_POD_NAME": "pod",
        "SPARK_RESOURCE_PROFILE_ID": "0",
    }

    def run(*arguments, inside=(), **other):
        env = {key: value for key, value in (environ | other).items() if value is not None}
        done = subprocess.run(
            [*inside, "/bin/sh", SCRIPT, *arguments],
            env=env,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        return done.returncode, done.stdout.splitlines(), done.stderr.strip()

    run.path = tmp_path
    return run


def test_java_gets_sparks_options_in_their_order_each_as_one(image):
    """Ten come after nine; values hold blanks and quotes."""
    options = {f"SPARK_JAVA_OPT_{n}": f"-Dn{n}=a b'\"$x`" for n in range(11)}
    code, out, err = image("executor", **options)
    assert (code, err) == (0, "")
    assert out[:11] == [f"<-Dn{n}=a b'\"$x`>" for n in range(11)]
    assert out[11:13] == ["<-Dspark.master=k8s://executor>", "<-Xmx512m>"]
    assert "<org.apache.spark.scheduler.cluster.k8s.KubernetesExecutorBackend>" in out
    assert out[out.index("<--executor-id>") + 1] == "<7>"


def test_an_archive_of_classes_is_used_where_it_can_be_read_and_the_users_options_win(image):
    """Java takes the last of two options; a path of another machine is left out."""
    archive = image.path / "executor.jsa"
    wish = {"SPARKK8S_CLASS_ARCHIVE": str(archive), "SPARK_JAVA_OPT_0": "-XX:SharedArchiveFile=/mine"}
    assert image("executor", **wish)[1][0] == "<-XX:SharedArchiveFile=/mine>"
    archive.touch()
    out = image("executor", **wish)[1]
    assert out[:2] == [f"<-XX:SharedArchiveFile={archive}>", "<-XX:SharedArchiveFile=/mine>"]


def test_java_unpacks_into_the_pod_s_own_scratch_where_there_is_one(image):
    """An image may be read-only; a user's option comes later and wins."""
    wish = {"TMPDIR": str(image.path), "SPARK_JAVA_OPT_0": "-Djava.io.tmpdir=/mine"}
    out = image("executor", **wish)[1]
    assert out[:2] == [f"<-Djava.io.tmpdir={image.path}>", "<-Djava.io.tmpdir=/mine>"]
    assert image("executor", TMPDIR=str(image.path / "no such"))[1][0] == "<-Dspark.master=k8s://executor>"


def test_the_class_path_is_sparks_jars_with_the_users_before(image):
    """Spark hands spark.executor.extraClassPath over as SPARK_CLASSPATH; what an image adds comes last."""
    own = {"SPARK_CLASSPATH": "/x.jar", "SPARK_EXTRA_CLASSPATH": "/image.jar"}
    _, out, _ = image("executor", SPARK_CONF_DIR="/conf", **own)
    jars = f"{image.path}/site/pyspark/jars/*"
    assert out[out.index("<-cp>") + 1] == f"</x.jar:/conf:{jars}:/image.jar>"


def test_python_workers_find_pyspark_beside_the_jars(image):
    """As pip installs it; the image's own path stays."""
    _, out, _ = image("executor", PYTHONPATH="/mine")
    assert out[-1] == f"PYTHONPATH={image.path}/site:/mine"


def test_hints_that_do_not_exist_here_are_passed_over(image):
    """Another image has its things elsewhere."""
    code, out, _ = image(
        "executor",
        SPARKK8S_SPARK_HOME="/nowhere",
        SPARK_HOME=f"{image.path}/site/pyspark",
        SPARKK8S_JAVA_HOME="/nowhere",
        JAVA_HOME=f"{image.path}/jdk",
    )
    assert code == 0
    assert f"</{str(image.path)[1:]}/site/pyspark/jars/*>" in out


def test_an_image_without_spark_says_what_to_do(image):
    """In the pod's log, with an exit code of its own."""
    code, _, err = image(
        "executor", SPARKK8S_SPARK_HOME=None, SPARKK8S_PYTHON="/none", PATH="/nowhere", JAVA_HOME=None
    )
    assert code == 78
    assert "no Spark in this image" in err
    assert "--image" in err


def test_a_pyspark_without_jars_is_passed_over(image):
    """The package of Spark Connect's client has that name, and no Spark in it."""
    python = image.path / "bin" / "python"
    python.parent.mkdir()
    (image.path / "client" / "pyspark").mkdir(parents=True)
    python.write_text(f"#!/bin/sh\necho {image.path}/client/pyspark\n")
    python.chmod(0o755)
    code, _, err = image("executor", SPARKK8S_SPARK_HOME=None, SPARKK8S_PYTHON=None, PATH=str(python.parent))
    assert code == 78
    assert "no Spark in this image" in err


def test_it_starts_executors_only(image):
    """Whatever else a template asks of it."""
    code, _, err = image("driver")
    assert code == 78
    assert "unexpected argument 'driver'" in err


def fake_java(image, script):
    """Put another Java into the image."""
    (image.path / "jdk" / "bin" / "java").write_text(f"#!/bin/sh\n{script}\n")


def test_as_a_containers_first_process_it_hands_the_end_on_and_ends_as_java_does(image, first_process):
    """The kubelet's TERM is for Java, and its exit code is the container's."""
    fake_java(image, "trap 'echo asked to end; exit 9' TERM\nkill -TERM 1\nwhile :; do sleep 0.05; done")
    code, out, _ = image("executor", inside=first_process)
    assert (code, out) == (9, ["asked to end"])


def test_as_a_containers_first_process_it_tells_how_java_was_killed(image, first_process):
    """137 is what everybody knows a killed container by."""
    fake_java(image, "kill -KILL $$")
    assert image("executor", inside=first_process)[0] == 137


def test_the_hook_that_waits_for_javas_end_sees_it(image, first_process):
    """A container that ended with it running would count as a hook that failed."""
    hook = image.path / "decommission.sh"
    hook.write_text("#!/bin/sh\nsleep 0.2\necho the hook has ended\n")
    hook.chmod(0o755)
    fake_java(image, f"{hook} &\nsleep 0.05\nexit 3")
    code, out, _ = image("executor", inside=first_process)
    assert (code, out) == (3, ["the hook has ended"])


def test_an_image_with_another_python_or_none_says_so(image):
    """Before Spark is there: every task would fail otherwise."""
    python = image.path / "python"
    python.write_text("#!/bin/sh\necho 3.9\n")
    python.chmod(0o755)
    wanted = {"SPARKK8S_PYTHON_VERSION": "3.11", "PYSPARK_PYTHON": str(python)}
    code, _, err = image("executor", **wanted)
    assert code == 78
    assert "this image has Python 3.9. Use an image with Python 3.11" in err
    code, _, err = image("executor", **wanted | {"PYSPARK_PYTHON": "/none"})
    assert code == 78
    assert "no Python (/none) in this image." in err
    assert image("executor", **wanted | {"SPARKK8S_PYTHON_VERSION": "3.9"})[0] == 0
    assert image("executor", PYSPARK_PYTHON="/none")[0] == 0  # the notebook's own image is not asked


def test_an_image_with_another_spark_says_so(image):
    """Its executors and the driver would not understand each other."""
    (image.path / "site/pyspark/jars/spark-core_2.13-3.5.1.jar").touch()
    code, _, err = image("executor", SPARKK8S_SPARK_CORE="spark-core_2.13-4.3.0.jar")
    assert code == 78
    assert "this image has spark-core_2.13-3.5.1.jar, the notebook spark-core_2.13-4.3.0.jar." in err
    assert image("executor", SPARKK8S_SPARK_CORE="spark-core_2.13-3.5.1.jar")[0] == 0
