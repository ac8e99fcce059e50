"""What is done when the kernel is gone, and in which order."""

from __future__ import annotations

from pathlib import Path

import pytest

from sparkk8s_nb.keeper.cleanup import Cleanup
from sparkk8s_nb.processes import ProcessId
from sparkk8s_nb.testing import FakeClock

JVM = ProcessId(pid=2**22 + 2, started=2.0)


@pytest.fixture
def clock():
    """Time passes when the clean-up sleeps."""
    return FakeClock()


@pytest.fixture
def clean(plan, client, api, clock):
    """Runs a clean-up; the end of the JVM is noted among the requests."""

    def end_process(process, *, grace):
        api.sent.append(("END", str(process.pid)))
        return False

    def run(**options):
        return Cleanup(plan, client, clock=clock, sleep=clock.sleep, end_process=end_process, **options).run()

    return run


def test_the_jvm_ends_before_the_pods_and_the_lease_goes_last(clean, api, plan):
    """A JVM that lives would ask for more pods; without the Lease nobody would find the rest."""
    api.lease()
    api.pods = 4
    assert clean(drivers=[JVM]) is True
    assert api.sent[0] == ("END", str(JVM.pid))
    assert api.sent[1:3] == [("DELETE", "pods"), ("GET", "pods")]
    assert api.sent[-1] == ("DELETE", "leases/s")
    assert api.leases == {}
    assert not plan.runtime_dir.exists()


def test_it_waits_for_pods_that_take_their_time(clean, api, clock):
    """After a minute without grace: their node does not answer."""
    api.pods, api.stubborn = 4, 2
    assert clean() is True
    assert 60 <= clock() < 70
    graces = [body["gracePeriodSeconds"] for body in api.bodies if body and "gracePeriodSeconds" in body]
    assert graces[0] == 3
    assert graces[-1] == 0


def test_an_outage_is_waited_out(clean, api, clock):
    """With growing pauses."""
    api.lease()
    api.statuses = [503] * 5
    assert clean() is True
    assert api.leases == {}
    assert clock.slept == sorted(clock.slept)


def test_an_api_server_that_stays_away_is_given_up(clean, api, clock, plan, tmp_path):
    """The JVM and the files are gone all the same; the log stays and says so."""
    api.down = True
    outside = tmp_path / "outside"
    outside.write_text("x")
    assert clean(drivers=[JVM], paths=[outside]) is False
    assert plan.patience <= clock() < plan.patience + 16
    assert api.sent[0] == ("END", str(JVM.pid))
    assert not outside.exists()
    assert [path.name for path in plan.runtime_dir.iterdir()] == ["keeper.log"]


def test_files_that_are_gone_already_are_no_trouble(clean, plan, tmp_path):
    """The kernel may have begun to clean up itself."""
    plan.log_file.unlink()
    (plan.runtime_dir / "api").rmdir()
    plan.runtime_dir.rmdir()
    assert clean(paths=[tmp_path / "never"]) is True


def test_a_link_is_removed_and_not_followed(clean, tmp_path):
    """What it points to is not ours."""
    other = tmp_path / "other"
    other.mkdir()
    (other / "kept").touch()
    link = tmp_path / "link"
    link.symlink_to(other)
    clean(paths=[link])
    assert not link.is_symlink()
    assert Path(other / "kept").exists()
