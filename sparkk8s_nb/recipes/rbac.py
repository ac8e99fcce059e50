"""What a notebook's service account must be allowed: a Role of just the rights in the table, and its binding."""

from __future__ import annotations

from collections.abc import Iterable

from sparkk8s_nb.model.rights import RIGHTS, Right, rules
from sparkk8s_nb.recipes.rendering import Json, metadata

GROUP = "rbac.authorization.k8s.io"
ROLE = "sparkk8s-nb"
ACCOUNT = "sparkk8s-nb"
"""The service account that is made where none is named."""

HEAD = """\
What notebooks need to run Spark sessions in one namespace. docs/permissions.md says what each verb is for.
Whoever may create pods in a namespace can mount every Secret and claim there: give each user a namespace."""


def rbac(namespace: str, account: str = "") -> list[Json]:
    """The manifests for one namespace of executors.

    Parameters
    ----------
    namespace : str
    account : str
        The notebooks' service account, which is there already: its name, or ``NAMESPACE:NAME`` where notebooks
        run elsewhere. Empty makes one.

    Examples
    --------
    >>> [manifest["kind"] for manifest in rbac("team")]
    ['ServiceAccount', 'Role', 'RoleBinding']
    >>> rbac("team", "hub:notebook")[-1]["subjects"]
    [{'kind': 'ServiceAccount', 'name': 'notebook', 'namespace': 'hub'}]
    """
    home, _, name = (account or ACCOUNT).rpartition(":")
    made = [] if account else [service_account(name, namespace)]
    return [
        *made,
        role(ROLE, namespace, RIGHTS),
        role_binding(ROLE, namespace, account=name, account_namespace=home or namespace),
    ]


def service_account(name: str, namespace: str) -> Json:
    """A service account. Pods that need its token mount it themselves.

    >>> service_account("reaper", "team")["kind"]
    'ServiceAccount'
    """
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata(name, namespace)}


def role(name: str, namespace: str, rights: Iterable[Right]) -> Json:
    """A Role of just these rights.

    >>> role("reader", "team", [Right(resource="pods", verbs=("get",), feature="gc")])["rules"]
    [{'apiGroups': [''], 'resources': ['pods'], 'verbs': ['get']}]
    """
    return {
        "apiVersion": f"{GROUP}/v1",
        "kind": "Role",
        "metadata": metadata(name, namespace),
        "rules": [
            {"apiGroups": [right.group], "resources": [right.resource], "verbs": list(right.verbs)}
            for right in rules(rights)
        ],
    }


def role_binding(name: str, namespace: str, *, account: str, account_namespace: str) -> Json:
    """The binding of the Role of that name to a service account.

    >>> role_binding("r", "team", account="a", account_namespace="team")["roleRef"]["name"]
    'r'
    """
    return {
        "apiVersion": f"{GROUP}/v1",
        "kind": "RoleBinding",
        "metadata": metadata(name, namespace),
        "roleRef": {"apiGroup": GROUP, "kind": "Role", "name": name},
        "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": account_namespace}],
    }
