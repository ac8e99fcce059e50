"""The Role for notebooks."""

from __future__ import annotations

from sparkk8s_nb.model.rights import singly
from sparkk8s_nb.recipes.rbac import rbac


def test_the_role_has_every_right_of_the_table_and_no_other():
    """One verb more would be one too many."""
    role = rbac("team")[1]
    given = [
        (group, resource, verb)
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    ]
    assert sorted(given) == sorted((right.group, right.resource, *right.verbs) for right in singly())


def test_nothing_reaches_beyond_the_namespace():
    """No ClusterRole, no wildcard, no other namespace."""
    made = rbac("team")
    assert [manifest["kind"] for manifest in made] == ["ServiceAccount", "Role", "RoleBinding"]
    assert {manifest["metadata"]["namespace"] for manifest in made} == {"team"}
    assert "*" not in str(made)


def test_an_account_that_is_there_is_bound_and_not_made():
    """In the same namespace, or in that of the notebooks."""
    role, binding = rbac("team", "jupyter")
    assert binding["roleRef"]["name"] == role["metadata"]["name"]
    assert binding["subjects"][0] == {"kind": "ServiceAccount", "name": "jupyter", "namespace": "team"}
    assert rbac("team", "hub:jupyter")[1]["subjects"][0]["namespace"] == "hub"
