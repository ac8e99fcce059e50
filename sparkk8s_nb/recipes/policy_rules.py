"""The rules of a shared namespace in the Common Expression Language (CEL), as admission policies have them.

Each rule says what must be true of a request, and what is said where it is not. They use two variables: ``owner``, the
name that the user has, and ``prefixes``, what names of their objects begin with.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sparkk8s_nb.model.labels import OWNER, SESSION
from sparkk8s_nb.recipes import reaper

SERVICE_NAME = "kubernetes.io/service-name"
CONTAINERS = 4
"""So many containers a pod may have: with their sizes bounded, so is the pod."""

PREFIXES = "['spark-' + variables.owner + '--', variables.owner + '.']"
"""A session's own objects, and what users have made themselves."""

_USER = "request.userInfo.username"
_GONE = "request.operation == 'DELETE' || "
_MINE = "of the user: ' + variables.owner + '.NAME'"
_VOLUMES = ("emptyDir", "secret", "configMap", "persistentVolumeClaim", "downwardAPI")
_VOLUME_NAMES = (("secret", "secretName"), ("configMap", "name"), ("persistentVolumeClaim", "claimName"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """What an administrator decides of a shared namespace.

    Parameters
    ----------
    namespace, notebook_namespace : str
        Where executors and where notebooks run.
    registries : tuple of str
        What images begin with: ``registry.example/team/``.
    account_prefix : str
        What the notebooks' service accounts are called before the owner's name.
    executor_account : str
        The only service account of executors, which get no token of it.
    pull_secrets : tuple of str
        Pull secrets that all may use.
    administrators : tuple of str
        Groups of users who may do as RBAC says.
    max_cores : int
    max_memory : int
        MiB, of one container.
    """

    namespace: str
    notebook_namespace: str
    registries: tuple[str, ...]
    account_prefix: str = ""
    executor_account: str = "default"
    pull_secrets: tuple[str, ...] = ()
    administrators: tuple[str, ...] = ()
    max_cores: int = 16
    max_memory: int = 64 * 1024


class Rule(NamedTuple):
    """What must be true, and what is said where it is not: both in CEL."""

    expression: str
    message: str


def owner_of_user(shared: Shared) -> str:
    """The name that a user has as an owner; empty for one that has none."""
    account = f"system:serviceaccount:{shared.notebook_namespace}:{shared.account_prefix}"
    return (
        f"{_USER}.startsWith('{account}') ? {_USER}.substring({len(account)}) : "
        f"({_USER}.startsWith('system:') ? '' : {_USER})"
    )


def is_a_user(shared: Shared) -> str:
    """All but the cluster's own parts, the administrators and the reaper."""
    groups = ["system:masters", "system:nodes", "system:serviceaccounts:kube-system", *shared.administrators]
    names = [
        "system:kube-controller-manager",
        "system:kube-scheduler",
        f"system:serviceaccount:{shared.namespace}:{reaper.NAME}",
    ]
    return (
        f"!request.userInfo.groups.exists(g, g in {json.dumps(groups)}) && !({_USER} in {json.dumps(names)})"
    )


def owner_rules() -> Sequence[Rule]:
    """Whose an object is, by its label and its name."""
    old, new = _label("oldObject", OWNER), _label("object", OWNER)
    return (
        Rule(
            "variables.owner.matches('^[a-z0-9]([a-z0-9-]*[a-z0-9])?$') && !variables.owner.contains('--')",
            f"'only users of notebooks may change anything here, and ' + {_USER} + ' is none'",
        ),
        Rule(
            f"request.operation == 'CREATE' || ({old.there} && {old.value} == variables.owner)",
            "'it does not belong to ' + variables.owner",
        ),
        Rule(
            f"{_GONE}({new.there} && {new.value} == variables.owner)",
            f"'the label {OWNER} must be ' + variables.owner + ' (SPARKK8S_OWNER in the notebook sets it)'",
        ),
        Rule(
            f"{_GONE}{_ours('object.metadata.name')}",
            "'names begin with spark-' + variables.owner + '-- or ' + variables.owner + '.'",
        ),
        _of_own_session(SESSION, optional=True),
    )


def pod_rules(shared: Shared) -> Sequence[Rule]:
    """What a pod may be made of; ``containers`` and ``volumes`` are variables."""
    registries, secrets = (json.dumps(list(each)) for each in (shared.registries, shared.pull_secrets))
    account = json.dumps(shared.executor_account)
    named = " && ".join(f"(!has(v.{kind}) || {_named(f'v.{kind}', name)})" for kind, name in _VOLUME_NAMES)
    kinds = " || ".join(f"has(v.{kind})" for kind in _VOLUMES)
    keys = _references("e.valueFrom", "secretKeyRef", "configMapKeyRef")
    whole = _references("e", "secretRef", "configMapRef")
    sizes = " && ".join(
        (
            _bounded("limits", "memory", f"{shared.max_memory}Mi"),
            _bounded("requests", "cpu", str(shared.max_cores)),
            f"(!('cpu' in c.resources.limits) || {_bounded('limits', 'cpu', str(shared.max_cores))})",
        )
    )
    of_the_node = "".join(
        f" && !(has(object.spec.{name}) && object.spec.{name})"
        for name in ("hostNetwork", "hostPID", "hostIPC")
    )
    return (
        Rule(
            f"variables.containers.all(c, has(c.image) && {registries}.exists(r, c.image.startsWith(r)))",
            f"'images must begin with one of {', '.join(shared.registries)}'",
        ),
        Rule(
            f"(!has(object.spec.serviceAccountName) || object.spec.serviceAccountName == {account}) && "
            "has(object.spec.automountServiceAccountToken) && !object.spec.automountServiceAccountToken",
            f"'the service account must be {shared.executor_account}, without its token'",
        ),
        Rule(f"variables.volumes.all(v, {kinds})", f"'volumes are of {', '.join(_VOLUMES)} alone'"),
        Rule(
            f"variables.volumes.all(v, {named})",
            f"'volumes are of Secrets, ConfigMaps and claims {_MINE}",
        ),
        Rule(
            f"variables.containers.all(c, (!has(c.env) || c.env.all(e, !has(e.valueFrom) || ({keys}))) && "
            f"(!has(c.envFrom) || c.envFrom.all(e, {whole})))",
            f"'the environment is of Secrets and ConfigMaps {_MINE}",
        ),
        Rule(
            "!has(object.spec.imagePullSecrets) || object.spec.imagePullSecrets.all(s, has(s.name) && "
            f"(s.name in {secrets} || {_ours('s.name')}))",
            f"'pull secrets are those for all ({', '.join(shared.pull_secrets) or 'none'}) and those {_MINE}",
        ),
        Rule(
            f"variables.containers.all(c, has(c.resources) && {sizes}) && "
            f"size(variables.containers) <= {CONTAINERS}",
            f"'up to {CONTAINERS} containers, each with a memory limit of up to {shared.max_memory}Mi and "
            f"a cpu request of up to {shared.max_cores}'",
        ),
        Rule(
            "(request.operation != 'CREATE' || !has(object.spec.nodeName) || object.spec.nodeName == '')"
            + of_the_node,
            "'no node by name, and nothing of the node itself'",
        ),
    )


POD_VARIABLES = {
    "containers": (
        "object.spec.containers + (has(object.spec.initContainers) ? object.spec.initContainers : [])"
    ),
    "volumes": "has(object.spec.volumes) ? object.spec.volumes : []",
}

SERVICE_RULES = (
    Rule(
        "(!has(object.spec.type) || object.spec.type == 'ClusterIP') && "
        "(!has(object.spec.externalIPs) || size(object.spec.externalIPs) == 0)",
        "'a driver has a Service inside of the cluster alone'",
    ),
)

# The cluster would put a service account's token into a Secret of another type.
SECRET_RULES = (
    Rule(
        "has(object.type) && object.type in ['Opaque', 'kubernetes.io/dockerconfigjson']",
        "'Secrets are Opaque or kubernetes.io/dockerconfigjson'",
    ),
)


def endpoint_rules() -> Sequence[Rule]:
    """An EndpointSlice gives a Service its addresses, whoever's it is."""
    return (_of_own_session(SERVICE_NAME, optional=False),)


class _Label(NamedTuple):
    there: str
    value: str


def _label(where: str, key: str) -> _Label:
    labels = f"{where}.metadata.labels"
    return _Label(f"has({labels}) && '{key}' in {labels}", f"{labels}['{key}']")


def _of_own_session(key: str, *, optional: bool) -> Rule:
    """A label names a session of the user's."""
    label = _label("object", key)
    begins = f"{label.value}.startsWith(variables.prefixes[0])"
    expression = f"!({label.there}) || {begins}" if optional else f"{label.there} && {begins}"
    return Rule(f"{_GONE}({expression})", f"'the label {key} must begin with ' + variables.prefixes[0]")


def _ours(name: str) -> str:
    """Whether a name says that an object is the user's own."""
    return f"variables.prefixes.exists(p, {name}.startsWith(p))"


def _named(field: str, name: str) -> str:
    return f"(has({field}.{name}) && {_ours(f'{field}.{name}')})"


def _references(field: str, *names: str) -> str:
    return " && ".join(f"(!has({field}.{name}) || {_named(f'{field}.{name}', 'name')})" for name in names)


def _bounded(which: str, resource: str, most: str) -> str:
    field = f"c.resources.{which}"
    return (
        f"(has({field}) && '{resource}' in {field} && "
        f"quantity({field}['{resource}']).compareTo(quantity('{most}')) <= 0)"
    )
