"""What the keeper is told survives the pipe."""

from __future__ import annotations

import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from sparkk8s_nb.keeper.plan import KeeperPlan
from sparkk8s_nb.model.spec import ClusterAccess
from sparkk8s_nb.processes import ProcessId

paths = st.none() | st.text("ab/ é\n\"'", min_size=1).map(Path)


def plan(**access):
    return KeeperPlan(
        kernel=ProcessId(pid=7, started=1.25),
        access=ClusterAccess(server="https://127.0.0.1:6443", **access),
        namespace="team",
        lease="s",
        selector="a=b",
        runtime_dir=Path("/r/s"),
        log_file=Path("/r/s/keeper.log"),
    )


@given(ca_file=paths, cert=paths, token=st.text(), verify=st.booleans())
def test_a_plan_is_the_same_on_the_other_side(ca_file, cert, token, verify):
    """One line, whatever is in it."""
    sent = plan(ca_file=ca_file, client_cert_file=cert, token=token, verify=verify)
    line = sent.as_json()
    assert "\n" not in line
    assert KeeperPlan.from_json(line) == sent


def test_a_token_that_has_a_file_stays_behind():
    """The keeper reads the file, which may be rotated."""
    line = plan(token="secret", token_file=Path("/r/s/token")).as_json()
    assert "secret" not in line
    assert json.loads(line)["access"]["token_file"] == "/r/s/token"
