"""Quick questions before a start: does the server answer, is the namespace there, may we do what it takes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sparkk8s_nb.errors import ClusterError, NotFoundError, RefusedError
from sparkk8s_nb.model.diagnosis import ADMINISTRATOR, YOU
from sparkk8s_nb.model.quantities import parse_kubernetes_cpu, parse_kubernetes_memory
from sparkk8s_nb.model.report import Finding, Grade, QuotaRoom, Report
from sparkk8s_nb.model.rights import Right, findings, singly
from sparkk8s_nb.ports import Cluster

Rule = Mapping[str, Any]


def preflight(cluster: Cluster) -> Report:
    """Ask everything, in as few requests as the server allows; raises only if it does not answer.

    Raises
    ------
    ClusterError

    Examples
    --------
    >>> preflight(cluster).verdict                                   # doctest: +SKIP
    <Grade.OK: 'ok'>
    """
    found = [Finding(check="API server", verdict=Grade.OK, detail=f"It answers: {cluster.version()}.")]
    found.append(_namespace(cluster))
    if found[-1].verdict is not Grade.FAILURE:
        found += _rights(cluster)
    return Report(findings=tuple(found))


def check_rights(cluster: Cluster) -> Sequence[str]:
    """Refuse a start that cannot work; returns what will be missing in one that can.

    Raises
    ------
    NotFoundError
        If the namespace does not exist, or is being deleted.
    RefusedError
        If a right is missing without which nothing works; names every rule that is needed.
    """
    report = preflight(cluster)
    failures = report.of(Grade.FAILURE)
    if failures:
        kind = NotFoundError if failures[0].check == "namespace" else RefusedError
        raise kind(
            " ".join(finding.detail for finding in failures),
            fix=" ".join(finding.fix for finding in failures),
        )
    return tuple(dict.fromkeys(finding.detail for finding in report.of(Grade.WARNING)))


def quota_room(cluster: Cluster) -> QuotaRoom:
    """What the namespace's ResourceQuotas leave; unlimited if we may not read them.

    Quotas that choose pods by priority class, or pods with a deadline, do not count: executors have neither.
    """
    try:
        quotas = cluster.list("ResourceQuota")
    except RefusedError:
        return QuotaRoom()
    counted = [quota for quota in quotas if _counts(quota.get("spec") or {})]
    return QuotaRoom(
        cpu_millis=_room(counted, ("cpu", "requests.cpu", "limits.cpu"), parse_kubernetes_cpu),
        memory=_room(counted, ("memory", "requests.memory", "limits.memory"), parse_kubernetes_memory),
        pods=_room(counted, ("pods", "count/pods"), parse_kubernetes_memory),
        quotas=tuple(quota["metadata"]["name"] for quota in counted),
    )


def scarce(cluster: Cluster, executors: int, *, cpu_millis: int, memory: int) -> Sequence[str]:
    """A warning where the namespace's quotas have room for some of the executors, and not for all of them.

    Where there is room for none the dry run of an executor is refused, in the quota's own words.

    Parameters
    ----------
    cluster : Cluster
    executors : int
    cpu_millis, memory : int
        Of each: thousandths of a core, bytes.
    """
    room = quota_room(cluster)
    fit = room.fits(cpu_millis=cpu_millis, memory=memory)
    if not fit or fit >= executors:
        return ()
    quotas = " and ".join(room.quotas)
    return (f"The namespace's quota ({quotas}) has room for {fit} of {executors} executors.",)


def cpu_limit_demanded(cluster: Cluster) -> bool:
    """Whether the namespace takes no pod without a CPU limit, or would give it one that may not fit.

    A quota on ``limits.cpu`` refuses pods that name none. A LimitRange fills in its default, which may be less
    than what an executor requests, and its ratio or maximum refuses pods without a limit. False where we may
    not look: then the API server's refusal says it.
    """
    try:
        quotas, ranges = cluster.list("ResourceQuota"), cluster.list("LimitRange")
    except RefusedError:
        return False
    specs = [quota.get("spec") or {} for quota in quotas]
    if any("limits.cpu" in (spec.get("hard") or {}) for spec in specs if _counts(spec)):
        return True
    limits = [each for item in ranges for each in (item.get("spec") or {}).get("limits") or []]
    return any(
        "cpu" in (limit.get(rule) or {})
        for limit in limits
        if limit.get("type") in ("Container", "Pod")
        for rule in ("default", "max", "maxLimitRequestRatio")
    )


def check_claims(cluster: Cluster, claims: Iterable[str]) -> None:
    """Refuse claims that are not there: their pods would wait for ever. Silent where we may not look.

    Raises
    ------
    NotFoundError
    """
    for claim in claims:
        try:
            found = cluster.read("PersistentVolumeClaim", claim)
        except RefusedError:
            return
        if found is None:
            raise NotFoundError(
                f"There is no PersistentVolumeClaim {claim} in namespace {cluster.target.namespace}.",
                fix="Check the name: --volume CLAIM:/path takes a claim of the executors' namespace.",
            )


def _namespace(cluster: Cluster) -> Finding:
    name = cluster.target.namespace
    try:
        found = cluster.read("Namespace", name)
    except RefusedError:
        # Most users may not read namespaces: the rights below speak of this one.
        return Finding(check="namespace", verdict=Grade.OK, detail=f"{name} (not ours to look at).")
    if found is None:
        return Finding(
            check="namespace",
            verdict=Grade.FAILURE,
            detail=f"There is no namespace {name}.",
            fix="Name another with --namespace, or have the administrator make it.",
            who=YOU,
        )
    if (found.get("status") or {}).get("phase") == "Terminating":
        return Finding(
            check="namespace",
            verdict=Grade.FAILURE,
            detail=f"The namespace {name} is being deleted.",
            fix="Name another with --namespace, or wait until it is gone and have it made again.",
            who=YOU,
        )
    return Finding(check="namespace", verdict=Grade.OK, detail=f"{name} is there.")


def _rights(cluster: Cluster) -> list[Finding]:
    missing = _missing(cluster, [right for right in singly() if not right.quiet])
    lacking = findings(missing)
    if {right for right in singly() if right.required} <= set(missing):
        return [_no_rights(cluster.target.namespace)]
    if not lacking:
        return [Finding(check="rights", verdict=Grade.OK, detail="We may do all that a session does.")]
    return [_lacks(right, cluster.target.namespace) for right in lacking]


def _no_rights(namespace: str) -> Finding:
    """Of all that a start needs: as likely as a Role that lacks is a name that is mistaken."""
    return Finding(
        check="rights",
        verdict=Grade.FAILURE,
        detail=f"We may do nothing in namespace {namespace}.",
        fix="Check the name (--namespace), or have the administrator apply the Role that this prints: "
        f"sparkk8s-nb manifests rbac --namespace {namespace}",
        who=ADMINISTRATOR,
    )


def _lacks(right: Right, namespace: str) -> Finding:
    return Finding(
        check="rights",
        verdict=Grade.FAILURE if right.required else Grade.WARNING,
        detail=right.lacking(namespace),
        fix=right.remedy(namespace),
        who=ADMINISTRATOR,
    )


def _missing(cluster: Cluster, wanted: Iterable[Right]) -> list[Right]:
    """What we may not do: one request names our rules, and only what they do not name is asked for singly.

    The rules may be incomplete where something other than RBAC authorizes.
    """
    rules = _rules(cluster)
    open_questions = [right for right in wanted if not any(_grants(rule, right) for rule in rules)]
    if not open_questions:
        return []

    def allowed(right: Right) -> bool:
        resource, _, subresource = right.resource.partition("/")
        (verb,) = right.verbs
        return cluster.can(verb, resource, group=right.group, subresource=subresource)

    with ThreadPoolExecutor(max_workers=6, thread_name_prefix="sparkk8s-preflight") as pool:
        answers = list(pool.map(allowed, open_questions))
    return [right for right, yes in zip(open_questions, answers, strict=True) if not yes]


def _rules(cluster: Cluster) -> Sequence[Rule]:
    review = {"kind": "SelfSubjectRulesReview", "spec": {"namespace": cluster.target.namespace}}
    try:
        status = cluster.create(review).get("status") or {}
    except ClusterError:
        return ()  # not served, or not for us: every right is asked for singly
    return status.get("resourceRules") or ()


def _grants(rule: Rule, right: Right) -> bool:
    """Whether a rule allows a single verb for every object; one for single names does not.

    >>> _grants({"verbs": ["*"], "apiGroups": [""], "resources": ["pods"]}, singly()[0])
    True
    """
    _, _, subresource = right.resource.partition("/")
    resources = {right.resource, "*"} | ({f"*/{subresource}"} if subresource else set())
    return (
        not rule.get("resourceNames")
        and bool({*right.verbs, "*"} & set(rule.get("verbs") or ()))
        and bool({right.group, "*"} & set(rule.get("apiGroups") or ()))
        and bool(resources & set(rule.get("resources") or ()))
    )


def _counts(spec: Mapping[str, Any]) -> bool:
    """Whether a quota applies to executors: no deadline, requests set, no priority class named by us."""
    return not spec.get("scopeSelector") and not {"Terminating", "BestEffort", "PriorityClass"} & set(
        spec.get("scopes") or ()
    )


def _room(
    quotas: Iterable[Mapping[str, Any]], names: Sequence[str], parse: Callable[[str], int]
) -> int | None:
    """The least of what is left of any of those resources in any quota."""
    left = []
    for quota in quotas:
        status = quota.get("status") or {}
        hard = status.get("hard") or (quota.get("spec") or {}).get("hard") or {}
        used = status.get("used") or {}
        left += [parse(str(hard[name])) - parse(str(used.get(name, "0"))) for name in names if name in hard]
    return max(0, min(left)) if left else None
