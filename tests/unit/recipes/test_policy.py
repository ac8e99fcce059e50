"""What an administrator applies where several users share a namespace of executors."""

from __future__ import annotations

import json

import pytest

from sparkk8s_nb.errors import UsageError
from sparkk8s_nb.recipes.policy import policy
from sparkk8s_nb.recipes.policy_rules import Shared

SHARED = Shared(namespace="spark", notebook_namespace="hub", registries=("r.example/",))


def test_every_policy_is_bound_to_the_namespace_and_fails_closed() -> None:
    """One that is not bound does nothing."""
    made = policy(SHARED)
    policies = [each for each in made if each["kind"] == "ValidatingAdmissionPolicy"]
    bindings = {
        each["spec"]["policyName"]: each["spec"]
        for each in made
        if each["kind"] == "ValidatingAdmissionPolicyBinding"
    }
    assert len(policies) == 5
    for each in policies:
        binding = bindings[each["metadata"]["name"]]
        assert binding["validationActions"] == ["Deny"]
        selected = binding["matchResources"]["namespaceSelector"]["matchLabels"]
        assert selected == {"kubernetes.io/metadata.name": "spark"}
        assert each["spec"]["failurePolicy"] == "Fail"


def test_the_role_reads_no_log_and_no_secret() -> None:
    """RBAC cannot tell whose they are."""
    role, binding = policy(SHARED)[:2]
    verbs = {
        (resource, verb) for rule in role["rules"] for resource in rule["resources"] for verb in rule["verbs"]
    }
    reads = {resource for resource, verb in verbs if verb in {"get", "list", "watch"}}
    assert not reads & {"secrets", "configmaps", "pods/log"}
    assert binding["subjects"][0]["name"] == "system:serviceaccounts:hub"


def test_what_the_administrator_decides_is_in_the_rules() -> None:
    """Registries, sizes, pull secrets, groups, accounts."""
    shared = Shared(
        namespace="spark", notebook_namespace="hub", registries=("r.example/",), account_prefix="jupyter-",
        executor_account="exec", pull_secrets=("regcred",), administrators=("platform",), max_cores=3,
        max_memory=5,
    )  # fmt: skip
    text = json.dumps(policy(shared))
    for word in ("r.example/", "hub:jupyter-", "exec, without", "regcred", "platform", "'3'", "'5Mi'"):
        assert word in text


@pytest.mark.parametrize(
    "shared",
    [
        Shared(namespace="hub", notebook_namespace="hub", registries=("r.example/",)),
        Shared(namespace="spark", notebook_namespace="hub", registries=()),
    ],
)
def test_what_would_protect_nothing_is_refused(shared: Shared) -> None:
    """Notebooks' pods beside executors, images of anybody."""
    with pytest.raises(UsageError):
        policy(shared)
