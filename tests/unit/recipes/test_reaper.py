"""The CronJob that removes dead sessions."""

from __future__ import annotations

from sparkk8s_nb.cli.main import COMMANDS
from sparkk8s_nb.recipes.reaper import NAME, reaper


def test_it_runs_gc_for_all_users_without_a_question():
    """Nobody is there to answer one."""
    template = reaper("team", "notebook:1")[-1]["spec"]["jobTemplate"]["spec"]["template"]
    command = template["spec"]["containers"][0]["command"]
    assert command == ["python3", "-m", "sparkk8s_nb.cli", "gc", "--all-users", "--yes", "--watch"]
    assert "gc" in COMMANDS
    assert template["spec"]["containers"][0]["image"] == "notebook:1"


def test_image_and_schedule_are_the_administrator_s():
    """And one run never meets another."""
    job = reaper("team", "notebook:1", schedule="0 3 * * *")[-1]["spec"]
    assert (job["schedule"], job["concurrencyPolicy"]) == ("0 3 * * *", "Forbid")


def test_it_can_read_no_secret_and_make_nothing():
    """It lists and deletes; what a Lease owns is the collector's."""
    role = reaper("team", "notebook:1")[1]
    verbs = {verb for rule in role["rules"] for verb in rule["verbs"]}
    assert verbs == {"get", "list", "delete"}
    assert {resource for rule in role["rules"] for resource in rule["resources"]} == {"leases", "pods"}


def test_where_notebooks_run_elsewhere_it_may_get_pods_there_and_nothing_more():
    """The proof that a session is dead is its notebook's pod."""
    made = reaper("team", "notebook:1", notebook_namespace="hub")
    there = [manifest for manifest in made if manifest["metadata"].get("namespace") == "hub"]
    assert [manifest["kind"] for manifest in there] == ["Role", "RoleBinding"]
    assert there[0]["rules"] == [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]
    assert there[1]["subjects"] == [{"kind": "ServiceAccount", "name": NAME, "namespace": "team"}]
    assert reaper("team", "i", notebook_namespace="team") == reaper("team", "i")
