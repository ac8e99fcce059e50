"""The session's hold on a real keeper process; nothing listens where its API server should be."""

from __future__ import annotations

import dataclasses
import os
import signal
import stat
import subprocess
import sys

import psutil
import pytest

from sparkk8s_nb.errors import SessionError
from sparkk8s_nb.keeper.launch import launch
from sparkk8s_nb.processes import identify


@pytest.fixture
def kept(plan):
    """A keeper of this very process."""
    handle = launch(dataclasses.replace(plan, kernel=identify(), patience=0.0))
    handle.ready()
    yield handle
    handle.release(timeout=10)


def test_it_watches_from_a_session_of_its_own_and_can_be_let_go(kept, plan):
    """No group of ours, no argument that tells anything, a private log."""
    process = psutil.Process(kept.process.pid)
    assert kept.alive
    assert os.getsid(process.pid) == process.pid != os.getsid(0)
    assert "127.0.0.1" not in " ".join(process.cmdline())
    assert stat.S_IMODE(plan.log_file.stat().st_mode) == 0o600
    assert kept.release(timeout=10) is True
    assert not kept.alive
    assert kept.release(timeout=10) is True
    kept.lease("s", "u")
    assert plan.runtime_dir.exists()
    assert "end: released" in plan.log_file.read_text()


def test_it_imports_neither_kernel_nor_client():
    """It is to be small, and to start at once."""
    code = "import sys, sparkk8s_nb.keeper.__main__; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"kubernetes", "pyspark", "py4j", "IPython", "ipykernel", "tornado", "asyncio", "yaml", "numpy"}
    assert heavy & set(done.stdout.split()) == set()


def test_it_does_not_care_for_the_terminal(kept):
    """INT and HUP are for the kernel; TERM it obeys."""
    process = psutil.Process(kept.process.pid)
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGHUP)
    kept.cleanup(psutil.Process().cwd() + "/nothing")
    assert kept.alive
    process.terminate()
    assert kept.release(timeout=10)


def test_finish_cleans_up_and_nobody_waits(kept, plan):
    """The interpreter is on its way out."""
    process = psutil.Process(kept.process.pid)
    kept.finish()
    process.wait(timeout=20)
    assert not (plan.runtime_dir / "api").exists()


def test_a_forked_child_of_the_kernel_cannot_end_the_session(kept, plan):
    """Its interpreter's exit is not the kernel's."""
    child = os.fork()
    if child == 0:
        kept.finish()
        kept.release(timeout=0)
        os._exit(0 if not kept.alive else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert kept.alive
    assert (plan.runtime_dir / "api").exists()


def test_a_keeper_that_does_not_start_says_why(plan, monkeypatch, tmp_path):
    """The last line of its log."""
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho no module named urllib3 >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(broken))
    with pytest.raises(SessionError, match="did not start: no module named urllib3"):
        launch(plan).ready()


def test_a_kernel_that_goes_before_its_keeper_is_up_is_cleaned_up_after(plan, tmp_path):
    """What it was told meanwhile waits in the pipe: the JVM that came up beside it, a directory of its own."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    kernel = subprocess.Popen(["/bin/sleep", "600"])
    jvm = subprocess.Popen(["/bin/sleep", "600"])
    keeper = launch(dataclasses.replace(plan, kernel=identify(kernel.pid), patience=0.0))
    keeper.cleanup(scratch)
    keeper.driver(identify(jvm.pid))
    keeper._forget_ready()  # as the kernel's end closes it
    kernel.kill()
    kernel.wait()
    assert jvm.wait(timeout=30) == -signal.SIGTERM
    psutil.Process(keeper.process.pid).wait(timeout=30)
    assert not scratch.exists()
    assert not (plan.runtime_dir / "api").exists()
    keeper.release(timeout=0)
