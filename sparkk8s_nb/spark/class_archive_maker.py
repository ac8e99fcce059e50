"""Making the archives of Spark's classes, in the background of a first session or ahead of it.

Java makes an archive from a list of class names (``-Xshare:dump``). The lists come with the package: they were
taken from real sessions (``make class-lists``), and names that this Spark or this Java does not have are skipped.
It costs about a minute of one core for both, once for each Java and Spark; as a process of its own, at the lowest
priority that the machine has, so that it takes only what nobody else wants.
"""

from __future__ import annotations

import argparse
import fcntl
import lzma
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from importlib import resources
from pathlib import Path
from typing import IO

from sparkk8s_nb.errors import JavaError
from sparkk8s_nb.localfiles import private_dir, write_private
from sparkk8s_nb.processes import module_command, module_environ
from sparkk8s_nb.spark.class_archives import DRIVER, ROLES, ClassArchives, archive_option, archives_for
from sparkk8s_nb.spark.java import Java

TIMEOUT = 1800.0
"""Seconds that one archive may take: half a minute, but at the lowest priority of a busy machine much longer."""

KEPT = 3
"""How many Javas and Sparks have their archives kept (360 MB each): the newest."""

EXECUTOR_CONF_DIR = "/opt/spark/conf"
"""``SPARK_CONF_DIR`` of every executor (Spark's ``Constants.SPARK_CONF_DIR_INTERNAL``)."""


def make(
    java: Java,
    spark_home: Path,
    cache: Path,
    say: Callable[[str], object] = lambda _: None,
    *,
    wait: bool = True,
) -> ClassArchives:
    """Make the archives that are missing.

    Parameters
    ----------
    java : Java
    spark_home : Path
    cache : Path
    say : callable
        Told what is done, in a few words.
    wait : bool
        Whether another process that makes them is waited for; without, it is left to it.

    Raises
    ------
    JavaError
        If they cannot be made. What this Java itself says against it is kept, and it is not tried again.
    """
    archives = archives_for(java, spark_home, cache)
    private_dir(archives.directory.parent)
    private_dir(archives.directory)
    with (archives.directory / "lock").open("w") as lock:
        if not _lock(lock, say, wait=wait):
            return archives
        for role in archives.missing():
            say(f"Making the archive of the {role}'s classes")
            _make_one(java, spark_home, archives, role)
    if os.getuid() == 0:
        _open_to_all(archives)
    _forget_old(archives)
    return archives


def _open_to_all(archives: ClassArchives) -> None:
    """Let every user read what root has made: who builds an image is root, who runs it is not."""
    for directory in (archives.directory.parent, archives.directory):
        directory.chmod(0o755)
    for role in ROLES:
        if archives.path(role).is_file():
            archives.path(role).chmod(0o644)


def _lock(file: IO[str], say: Callable[[str], object], *, wait: bool) -> bool:
    """Whether nobody makes them now, or any more."""
    deadline, told = time.monotonic() + 2 * TIMEOUT, False
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if not wait:
                return False
            if time.monotonic() > deadline:
                raise JavaError(
                    "Another process makes archives of Spark's classes and does not come to an end.",
                    fix="Starts work without them, only slower.",
                ) from error
        else:
            return True
        if not told:
            say("Waiting for another process that makes them")
            told = True
        time.sleep(0.2)


def make_in_background(java: Java, spark_home: Path, cache: Path) -> None:
    """Start a process that makes them at the lowest priority, and ends by itself; it outlives this one.

    It is nobody's child, so that no kernel keeps a zombie of it.
    """
    command = module_command(__name__, "--java-home", str(java.home))
    command += ["--java-version", str(java.version), "--spark-home", str(spark_home), "--cache", str(cache)]
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        env=module_environ(),
        start_new_session=True,
        umask=0o077,
    )
    # It forks and ends at once; nobody waits for that but this thread.
    threading.Thread(target=process.wait, name="sparkk8s-archives", daemon=True).start()


def _make_one(java: Java, spark_home: Path, archives: ClassArchives, role: str) -> None:
    """One archive, put in its place whole; what a killed predecessor left is removed first."""
    for left in archives.directory.glob(f".{role}-*"):
        shutil.rmtree(left)
    with tempfile.TemporaryDirectory(dir=archives.directory, prefix=f".{role}-") as scratch:
        names, made = Path(scratch) / "classes", Path(scratch) / "archive"
        names.write_bytes(class_list(role))
        options, class_path = driver_command(java, spark_home)
        if role != DRIVER:
            class_path = f"{EXECUTOR_CONF_DIR}:{spark_home}/jars/*"
        command = [str(java.home / "bin" / "java"), *options, "-Xmx512m", "-Xshare:dump"]
        command += [f"-XX:SharedClassListFile={names}", archive_option(made), "-cp", class_path]
        code, said = _run(command, spark_home, TIMEOUT)
        if code > 0:
            write_private(archives.failure(role), said[-4000:])
        if code != 0 or not made.is_file():
            raise JavaError(
                f"No archive of the {role}'s classes could be made: {_last_line(said) or f'Java ended with {code}'}",
                fix="Starts work without it, only slower. sparkk8s-nb prepare tries again.",
            )
        made.chmod(0o600)  # whatever this user's umask is
        made.replace(archives.path(role))


def _run(command: Sequence[str], spark_home: Path, timeout: float) -> tuple[int, str]:
    """Run Java; its exit code (below 0 where a signal ended it, which says nothing of Java) and all it said."""
    try:
        result = subprocess.run(
            command, capture_output=True, text=True, timeout=timeout, check=False, env=_environ(spark_home)
        )
    except subprocess.TimeoutExpired:
        return -1, f"not done after {timeout:.0f} s"
    return result.returncode, result.stdout + result.stderr


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else ""


def class_list(role: str) -> bytes:
    """The list that comes with the package, as Java reads it."""
    packed = resources.files("sparkk8s_nb.spark.class_lists").joinpath(f"{role}.txt.xz").read_bytes()
    return lzma.decompress(packed)


def driver_command(java: Java, spark_home: Path) -> tuple[Sequence[str], str]:
    """The options and the class path with which ``spark-submit`` starts a driver, asked of Spark's own launcher.

    Raises
    ------
    JavaError
        If the launcher does not answer as it should.
    """
    command = [str(java.home / "bin" / "java"), "-Xmx128m", "-cp", f"{spark_home}/jars/*"]
    command += ["org.apache.spark.launcher.Main", "org.apache.spark.deploy.SparkSubmit", "pyspark-shell"]
    code, said = _run(command, spark_home, 60)
    words = [word for word in said.replace("\n", "").split("\0") if word]
    if code != 0 or "-cp" not in words or "org.apache.spark.deploy.SparkSubmit" not in words:
        raise JavaError(
            "Spark's launcher does not say how it starts a driver.",
            fix="Check SPARK_HOME, or reinstall pyspark.",
        )
    after = words.index("-cp") + 2
    options = words[after : words.index("org.apache.spark.deploy.SparkSubmit")]
    return [option for option in options if not option.startswith("-Xm")], words[after - 1]


def _environ(spark_home: Path) -> dict[str, str]:
    """What ``spark-submit`` has set when it asks the launcher; nothing of the user's options for a JVM."""
    core = next((spark_home / "jars").glob("spark-core_*.jar"), None)
    match = re.match(r"spark-core_([\d.]+)-", core.name) if core is not None else None
    dropped = ("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS", "SPARK_SUBMIT_OPTS")
    kept = {name: value for name, value in os.environ.items() if name not in dropped}
    return kept | {"SPARK_HOME": str(spark_home), "SPARK_SCALA_VERSION": match[1] if match else ""}


def _forget_old(archives: ClassArchives) -> None:
    """Remove the archives of Javas and Sparks that were used before the newest few."""
    others = [path for path in archives.directory.parent.iterdir() if path != archives.directory]
    for old in sorted(others, key=lambda path: path.stat().st_mtime, reverse=True)[KEPT - 1 :]:
        shutil.rmtree(old, ignore_errors=True)  # another process may be at it


def _step_back() -> None:
    """Take only what nobody else wants of this machine."""
    os.nice(19)
    if sys.platform == "linux":
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


def main() -> None:
    """The background process."""
    parser = argparse.ArgumentParser(description="Make the archives of Spark's classes at idle priority.")
    parser.add_argument("--java-home", type=Path, required=True)
    parser.add_argument("--java-version", type=int, required=True)
    parser.add_argument("--spark-home", type=Path, required=True)
    parser.add_argument("--cache", type=Path, required=True)
    options = parser.parse_args()
    if os.fork():
        return
    _step_back()
    java = Java(home=options.java_home, version=options.java_version)
    make(java, options.spark_home, options.cache, wait=False)  # of many notebooks' first starts one does it


if __name__ == "__main__":
    main()
