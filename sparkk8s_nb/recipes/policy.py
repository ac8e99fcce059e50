"""Admission policies for one namespace of executors that several users share.

RBAC says what a kind of user may do, never with whose objects: whoever may create pods in a namespace can mount every
Secret and claim there. These ValidatingAdmissionPolicies (Kubernetes 1.30 or newer) add whose: every object carries
its owner's name, in a label and in its own name, and nobody makes, changes, deletes or mounts another's. A policy
cannot look another object up, so the names have to tell: the notebooks get ``SPARKK8S_OWNER``, which names their
sessions ``spark-OWNER--...``, and what users make themselves is called ``OWNER.NAME``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from sparkk8s_nb.errors import UsageError
from sparkk8s_nb.model.rights import RIGHTS
from sparkk8s_nb.recipes.policy_rules import (
    POD_VARIABLES,
    PREFIXES,
    SECRET_RULES,
    SERVICE_RULES,
    Rule,
    Shared,
    endpoint_rules,
    is_a_user,
    owner_of_user,
    owner_rules,
    pod_rules,
)
from sparkk8s_nb.recipes.rbac import GROUP, role
from sparkk8s_nb.recipes.rendering import Json, metadata

ROLE = "sparkk8s-nb-shared"
API = "admissionregistration.k8s.io/v1"

HEAD = """\
For executors of several users in one namespace, their notebooks in another: every user has their own service
account there, called PREFIXOWNER, and SPARKK8S_OWNER=OWNER in the notebook's environment (a-z, 0-9, single dashes).
Users who are no service accounts are owners by their own name. Secrets, ConfigMaps and claims that executors are
to mount are called OWNER.NAME, and what users make themselves carries the label sparkk8s-nb/owner=OWNER.
Nobody may read logs here, for RBAC cannot tell one's own from another's. Names, images and sizes of pods are
seen by all. It needs beside it: the namespace's label pod-security.kubernetes.io/enforce=restricted, and a
ResourceQuota for the sum."""

NOT_SHARED = frozenset({"pods/log"})
"""What the Role of a shared namespace must not give: RBAC cannot tell whose."""

OWNED = (
    ("", ["pods", "secrets", "configmaps", "services", "persistentvolumeclaims"]),
    ("coordination.k8s.io", ["leases"]),
    ("discovery.k8s.io", ["endpointslices"]),
)
"""Kinds whose objects have an owner."""

Resources = Iterable[tuple[str, Sequence[str]]]


def policy(shared: Shared) -> list[Json]:
    """The manifests for one shared namespace of executors.

    Raises
    ------
    UsageError
        Where notebooks and executors are in the same namespace, or no registry is named.

    Examples
    --------
    >>> made = policy(Shared(namespace="spark", notebook_namespace="hub", registries=("r.example/",)))
    >>> [manifest["kind"] for manifest in made[:4]]
    ['Role', 'RoleBinding', 'ValidatingAdmissionPolicy', 'ValidatingAdmissionPolicyBinding']
    """
    if shared.namespace == shared.notebook_namespace:
        raise UsageError(
            "Notebooks and the executors that several users share need namespaces of their own.",
            fix="Name both: --namespace for executors, --notebook-namespace for notebooks.",
        )
    if not shared.registries:
        raise UsageError(
            "No registry is allowed.", fix="Name what images begin with: --registry r.example/team/."
        )
    slices = [("discovery.k8s.io", ["endpointslices"])]
    policies = (
        _policy(shared, "owner", OWNED, owner_rules(), operations=("CREATE", "UPDATE", "DELETE")),
        _policy(shared, "pods", [("", ["pods"])], pod_rules(shared), variables=POD_VARIABLES),
        _policy(shared, "services", [("", ["services"])], SERVICE_RULES),
        _policy(shared, "endpointslices", slices, endpoint_rules()),
        _policy(shared, "secrets", [("", ["secrets"])], SECRET_RULES),
    )
    return [*_rights(shared), *(part for made in policies for part in (made, _binding(shared, made)))]


def _rights(shared: Shared) -> list[Json]:
    """What a session does, for all notebooks of the other namespace, but for what RBAC must not give here."""
    notebooks = f"system:serviceaccounts:{shared.notebook_namespace}"
    return [
        role(ROLE, shared.namespace, [right for right in RIGHTS if right.resource not in NOT_SHARED]),
        {
            "apiVersion": f"{GROUP}/v1",
            "kind": "RoleBinding",
            "metadata": metadata(ROLE, shared.namespace),
            "roleRef": {"apiGroup": GROUP, "kind": "Role", "name": ROLE},
            "subjects": [{"kind": "Group", "apiGroup": GROUP, "name": notebooks}],
        },
    ]


def _policy(
    shared: Shared,
    name: str,
    resources: Resources,
    rules: Iterable[Rule],
    *,
    operations: Sequence[str] = ("CREATE", "UPDATE"),
    variables: Mapping[str, str] | None = None,
) -> Json:
    known = {"owner": owner_of_user(shared), "prefixes": PREFIXES, **(variables or {})}
    return {
        "apiVersion": API,
        "kind": "ValidatingAdmissionPolicy",
        "metadata": metadata(f"sparkk8s-nb-{shared.namespace}-{name}"),
        "spec": {
            "failurePolicy": "Fail",
            "matchConstraints": {
                "resourceRules": [
                    {
                        "apiGroups": [group],
                        "apiVersions": ["*"],
                        "operations": list(operations),
                        "resources": list(kinds),
                    }
                    for group, kinds in resources
                ]
            },
            "matchConditions": [{"name": "users", "expression": is_a_user(shared)}],
            "variables": [{"name": key, "expression": text} for key, text in known.items()],
            "validations": [
                {"expression": rule.expression, "messageExpression": rule.message, "reason": "Forbidden"}
                for rule in rules
            ],
        },
    }


def _binding(shared: Shared, made: Json) -> Json:
    name = made["metadata"]["name"]
    selector = {"matchLabels": {"kubernetes.io/metadata.name": shared.namespace}}
    return {
        "apiVersion": API,
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": metadata(name),
        "spec": {
            "policyName": name,
            "validationActions": ["Deny"],
            "matchResources": {"namespaceSelector": selector},
        },
    }
