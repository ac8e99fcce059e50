"""When the local proxy ends, and how it is found."""

from __future__ import annotations

import stat
import subprocess
import sys

import pytest

from sparkk8s_nb.processes import ProcessId
from sparkk8s_nb.server.ui_address import ADDRESS_FILE, UiProxyAddress, UiProxyPlan, read_address
from sparkk8s_nb.server.ui_forward import check_base
from sparkk8s_nb.server.ui_proxy import IDLE_SECONDS, Site, why_end
from sparkk8s_nb.testing import FakeClock

OWN = ProcessId(pid=2**22 + 1, started=1.0)
KERNEL = ProcessId(pid=2**22 + 2, started=2.0)
ADDRESS = UiProxyAddress(process=OWN, port=5000, secret="hush")


@pytest.fixture
def clock():
    """Stands still."""
    return FakeClock()


@pytest.fixture
def site(tmp_path, clock):
    """A proxy of a session that runs."""
    (tmp_path / "record.json").write_text("{}")
    ADDRESS.write(tmp_path)
    return Site(record=tmp_path / "record.json", now=clock)


@pytest.fixture
def reason(site):
    """Why it ends now."""

    def ask(kernel_lives=True):
        plan = UiProxyPlan(record=site.record, kernel=KERNEL)
        return why_end(site, plan, OWN, alive=lambda process: kernel_lives and process == KERNEL)

    return ask


def test_it_stays_while_session_and_kernel_are_there(reason):
    """Nothing to say."""
    assert reason() == ""


def test_it_ends_when_the_record_is_gone(reason, site):
    """The session removes its directory when it stops."""
    site.record.unlink()
    assert reason() == "the session has stopped"


def test_it_ends_when_the_kernel_is_gone(reason):
    """Whoever was to remove the record may be gone as well."""
    assert reason(kernel_lives=False) == "the kernel is gone"


def test_it_ends_when_the_directory_was_made_anew(reason, site):
    """A restart between two looks: the new session has a proxy of its own, or none."""
    UiProxyAddress(process=KERNEL, port=1, secret="s").write(site.record.parent)
    assert reason() == "the session's directory is another's"
    (site.record.parent / ADDRESS_FILE).unlink()
    assert reason() == "the session's directory is another's"


def test_it_ends_when_nobody_comes_for_a_working_day(reason, site, clock):
    """And every visit counts."""
    clock.sleep(IDLE_SECONDS)
    assert reason() == ""
    site.touch()
    clock.sleep(IDLE_SECONDS)
    assert reason() == ""
    clock.sleep(1)
    assert reason() == "nobody came for a long time"


def test_the_base_is_new_each_time_and_one_that_spark_understands(site, clock):
    """Cookies go to every port of a host: no other server may know the path."""
    assert check_base(site.base) == site.base
    assert Site(record=site.record, now=clock).base != site.base


def test_an_address_is_this_users_and_its_repr_says_no_secret(tmp_path):
    """0600, and read back as it was."""
    ADDRESS.write(tmp_path)
    assert stat.S_IMODE((tmp_path / ADDRESS_FILE).stat().st_mode) == 0o600
    assert read_address(tmp_path) == ADDRESS
    assert "hush" not in repr(ADDRESS)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"process": 1, "port": 2, "secret": "s"}'])
def test_a_broken_address_is_none(tmp_path, text):
    """Then a new proxy is started."""
    (tmp_path / ADDRESS_FILE).write_text(text)
    assert read_address(tmp_path) is None


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("local_ui", ["tornado", "asyncio", "pyspark", "kubernetes", "IPython"]),
        ("ui_proxy", ["pyspark", "py4j", "kubernetes", "IPython", "ipywidgets", "yaml"]),
    ],
)
def test_the_kernels_side_and_the_process_import_little(module, absent):
    """The link costs the kernel nothing; the process is small."""
    code = f"import sys, sparkk8s_nb.server.{module}\nprint([name for name in {absent!r} if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert run.stdout.strip() == "[]"
