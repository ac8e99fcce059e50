"""The policy for a shared namespace of executors, on a real API server: nobody touches what is another's."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import yaml

from sparkk8s_nb.cli.main import main
from sparkk8s_nb.errors import RefusedError
from sparkk8s_nb.kube.gateway import KubeCluster
from sparkk8s_nb.kube.lease import lease_manifest
from sparkk8s_nb.model.labels import OWNER, SESSION
from sparkk8s_nb.model.names import session_name
from sparkk8s_nb.recipes.reaper import NAME as REAPER
from tests.cluster.api_sessions import session_of
from tests.cluster.real_cluster import RESTRICTED, Namespace, RealCluster, session_rules
from tests.eventually import eventually
from tests.unit.session.conftest import World

REGISTRY = "registry.example/team/"
ADA, BOB = (session_name("flights", "k7x2m9", owner=owner) for owner in ("ada", "bob"))


@dataclass(frozen=True, kw_only=True)
class Shared:
    """A namespace that two users share, who have their notebooks in another."""

    namespace: Namespace
    ada: KubeCluster
    bob: KubeCluster


def labelled(name: str, *, owner: str = "ada", session: str = ADA, **labels: str) -> dict[str, Any]:
    """The metadata of one of a session's objects."""
    return {"name": name, "labels": {OWNER: owner, SESSION: session, **labels}}


def pod(name: str = f"{ADA}-exec-1", **labels: str) -> dict[str, Any]:
    """A pod that the policy takes, as far as its labels go."""
    container = {
        "name": "c",
        "image": f"{REGISTRY}spark:4.3",
        "resources": {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"memory": "1Gi"}},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    security = {"runAsNonRoot": True, "runAsUser": 1000, "seccompProfile": {"type": "RuntimeDefault"}}
    spec = {"automountServiceAccountToken": False, "securityContext": security, "containers": [container]}
    return {"kind": "Pod", "metadata": labelled(name, **labels), "spec": spec}


def with_volume(**source: Any) -> dict[str, Any]:
    """That pod with a volume."""
    made = pod()
    made["spec"]["volumes"] = [{"name": "v", **source}]
    return made


def changed(**container: Any) -> dict[str, Any]:
    """That pod with something else in its container."""
    made = pod()
    made["spec"]["containers"][0] |= container
    return made


def with_spec(**spec: Any) -> dict[str, Any]:
    """That pod with something else in its specification."""
    made = pod()
    made["spec"] |= spec
    return made


def as_init(made: dict[str, Any]) -> dict[str, Any]:
    """The same with the container as an init container, behind one that is as it should be."""
    made["spec"]["initContainers"] = copy.deepcopy(made["spec"]["containers"])
    made["spec"]["initContainers"][0]["name"] = "init"
    made["spec"]["containers"] = pod()["spec"]["containers"]
    return made


def secret(name: str, kind: str = "Opaque", **labels: str) -> dict[str, Any]:
    """A Secret."""
    return {"kind": "Secret", "metadata": labelled(name, **labels), "type": kind}


def service(name: str = ADA, **spec: Any) -> dict[str, Any]:
    """A Service of ada's session."""
    return {"kind": "Service", "metadata": labelled(name), "spec": {"ports": [{"port": 1}], **spec}}


def endpoints(of: str) -> dict[str, Any]:
    """The addresses of a Service."""
    meta = labelled(ADA, **{"kubernetes.io/service-name": of})
    return {"kind": "EndpointSlice", "metadata": meta, "addressType": "IPv4", "endpoints": []}


def key_of(name: str, which: str = "secretKeyRef") -> list[dict[str, Any]]:
    """An environment of one variable."""
    return [{"name": "X", "valueFrom": {which: {"name": name, "key": "k"}}}]


TAKEN: dict[str, dict[str, Any]] = {
    "a pod": pod(),
    "a volume of the session's own Secret": with_volume(secret={"secretName": f"{ADA}-rpc"}),
    "a volume of the user's own Secret": with_volume(secret={"secretName": "ada.keys"}),
    "a volume of the user's own claim": with_volume(persistentVolumeClaim={"claimName": "ada.data"}),
    "an empty volume": with_volume(emptyDir={}),
    "a variable of the user's own Secret": changed(env=[*key_of("ada.keys"), {"name": "Y", "value": "1"}]),
    "the environment of the user's own ConfigMap": changed(envFrom=[{"configMapRef": {"name": "ada.env"}}]),
    "the pull secret for all": with_spec(imagePullSecrets=[{"name": "regcred"}]),
    "an init container": as_init(pod()),
    "a Secret of the user's own": secret("ada.keys"),
    "a Service": service(),
    "addresses of the session's own Service": endpoints(ADA),
}

BIG = {"requests": {"cpu": "1", "memory": "65Gi"}, "limits": {"memory": "65Gi"}}
WIDE = {"requests": {"cpu": "17", "memory": "1Gi"}, "limits": {"memory": "1Gi"}}

REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "another's Secret as a volume": (
        with_volume(secret={"secretName": f"{BOB}-rpc"}),
        "volumes are of Secrets",
    ),
    "another's own Secret": (with_volume(secret={"secretName": "bob.keys"}), "volumes are of Secrets"),
    "one of a user whose name begins alike": (
        with_volume(secret={"secretName": "ada-b.keys"}),
        "volumes are of Secrets",
    ),
    "a session of one whose name begins alike": (
        with_volume(secret={"secretName": session_name("x", "k7", owner="ada-b")}),
        "volumes are of Secrets",
    ),
    "another's claim": (
        with_volume(persistentVolumeClaim={"claimName": "bob.data"}),
        "volumes are of Secrets",
    ),
    "another's ConfigMap": (with_volume(configMap={"name": f"{BOB}-tools"}), "volumes are of Secrets"),
    "a Secret through a projected volume": (
        with_volume(projected={"sources": [{"secret": {"name": "bob.keys"}}]}),
        "volumes are of emptyDir",
    ),
    "a token through a projected volume": (
        with_volume(projected={"sources": [{"serviceAccountToken": {"path": "t"}}]}),
        "volumes are of emptyDir",
    ),
    "another's Secret as a variable": (changed(env=key_of(f"{BOB}-env")), "the environment is of"),
    "another's ConfigMap as a variable": (
        changed(env=key_of("bob.conf", "configMapKeyRef")),
        "the environment is of",
    ),
    "another's Secret as the environment": (
        changed(envFrom=[{"secretRef": {"name": "bob.keys"}}]),
        "the environment is of",
    ),
    "another's Secret in an init container": (
        as_init(changed(env=key_of("bob.keys"))),
        "the environment is of",
    ),
    "another's pull secret": (with_spec(imagePullSecrets=[{"name": "bob.cred"}]), "pull secrets are"),
    "an image of another registry": (changed(image="elsewhere.example/spark:4.3"), "images must begin with"),
    "an image of no registry": (changed(image="spark:4.3"), "images must begin with"),
    "another image in an init container": (as_init(changed(image="spark:4.3")), "images must begin with"),
    "another service account": (
        with_spec(serviceAccountName="mighty"),
        "the service account must be default",
    ),
    "the service account's token": (
        with_spec(automountServiceAccountToken=True),
        "the service account must be default",
    ),
    "more memory than may be": (changed(resources=BIG), "memory limit of up to 65536Mi"),
    "more cores than may be": (changed(resources=WIDE), "cpu request of up to 16"),
    "no limit": (changed(resources={"requests": {"cpu": "1"}}), "memory limit of up to 65536Mi"),
    "a node by name": (with_spec(nodeName="node-7"), "no node by name"),
    "a pod in another's name": (pod(owner="bob"), f"the label {OWNER} must be ada"),
    "a pod in nobody's name": (
        pod() | {"metadata": {"name": f"{ADA}-exec-1"}},
        f"the label {OWNER} must be ada",
    ),
    "a pod called as another's": (pod(f"{BOB}-exec-1"), "names begin with spark-ada-- or ada."),
    "a pod of another's session": (pod(session=BOB), f"the label {SESSION} must begin with spark-ada--"),
    "a Secret called as another's": (secret("bob.keys"), "names begin with spark-ada-- or ada."),
    "a Secret that gets a token": (
        secret("ada.token", "kubernetes.io/service-account-token")
        | {
            "metadata": labelled("ada.token")
            | {"annotations": {"kubernetes.io/service-account.name": "default"}}
        },
        "Secrets are Opaque",
    ),
    "a Service for the world": (service(type="NodePort"), "inside of the cluster alone"),
    "addresses of another's Service": (endpoints(BOB), "must begin with spark-ada--"),
}


@pytest.fixture(scope="module")
def shared(api_tier: RealCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared]:
    """Both namespaces with what we print applied, and what bob's session has made."""
    base = tmp_path_factory.mktemp("shared")
    with api_tier.namespace(base / "hub") as hub, api_tier.namespace(base / "spark", RESTRICTED) as namespace:
        users = []
        for name in ("ada", "bob"):
            account = f"jupyter-{name}"
            hub.administrator.create({"kind": "ServiceAccount", "metadata": {"name": account}})
            users.append(namespace.connect(hub.kubeconfig(account)))
        namespace.administrator.create({"kind": "ServiceAccount", "metadata": {"name": "mighty"}})
        applied: list[dict[str, Any]] = []
        try:
            for manifest in yaml.safe_load_all(printed(namespace, hub)):
                applied += namespace.apply(yaml.safe_dump(manifest))
            assert eventually(lambda: enforced(users[0]), 60), "the policies were not enforced"
            make_session(users[1])
            yield Shared(namespace=namespace, ada=users[0], bob=users[1])
        finally:
            for manifest in applied:
                namespace.delete_applied(manifest)


def printed(namespace: Namespace, hub: Namespace) -> str:
    """What the command prints."""
    with pytest.MonkeyPatch.context() as patch:
        lines: list[str] = []
        patch.setattr("builtins.print", lines.append)
        words = [
            "manifests", "policy", "--namespace", namespace.name, "--notebook-namespace", hub.name,
            "--registry", REGISTRY.rstrip("/"), "--account-prefix", "jupyter-", "--pull-secrets", "regcred",
        ]  # fmt: skip
        assert main(words) == 0
    return "\n".join(lines)


def enforced(user: KubeCluster) -> bool:
    """Whether every policy is in force: each refuses something that the others take."""
    probes = ("a pod in another's name", "no limit", "a Service for the world", "a Secret that gets a token",
              "addresses of another's Service")  # fmt: skip
    return all(refusal(lambda probe=probe: user.create(REFUSED[probe][0], dry_run=True)) for probe in probes)


def refusal(request: Callable[[], object]) -> str:
    """What is said where a request is refused; empty where it is not."""
    try:
        request()
    except RefusedError as error:
        return error.problem
    return ""


def make_session(user: KubeCluster) -> None:
    """What bob's session has made, by himself."""
    labels = {OWNER: "bob", SESSION: BOB}
    user.create(
        lease_manifest(BOB, "", labels=labels, annotations={}, holder="h", duration_seconds=60, now=1)
        | {"metadata": {"name": BOB, "labels": labels}}
    )
    for kind, name in (("Secret", f"{BOB}-rpc"), ("ConfigMap", f"{BOB}-tools")):
        user.create({"kind": kind, "metadata": {"name": name, "labels": labels}})
    user.create(service() | {"metadata": {"name": BOB, "labels": labels}})
    user.create(pod(f"{BOB}-exec-1", owner="bob", session=BOB))


@pytest.mark.parametrize("what", TAKEN)
def test_a_user_makes_what_is_their_own(shared: Shared, what: str) -> None:
    """Or the refusals below would say nothing."""
    shared.ada.create(TAKEN[what], dry_run=True)


@pytest.mark.parametrize("what", REFUSED)
def test_a_user_cannot_make(shared: Shared, what: str) -> None:
    """What is another's, or leads there; with the rule that it breaks."""
    manifest, said = REFUSED[what]
    problem = refusal(lambda: shared.ada.create(manifest, dry_run=True))
    assert problem.startswith("A policy of the cluster denies it: ")
    assert said in problem


OTHERS: dict[str, Callable[[KubeCluster], object]] = {
    "delete the Lease": lambda user: user.delete("Lease", BOB),
    "delete the Secret": lambda user: user.delete("Secret", f"{BOB}-rpc"),
    "delete the ConfigMap": lambda user: user.delete("ConfigMap", f"{BOB}-tools"),
    "delete the Service": lambda user: user.delete("Service", BOB),
    "delete the pod": lambda user: user.delete("Pod", f"{BOB}-exec-1", grace=0),
    "delete all pods": lambda user: user.delete_all("Pod", "", grace=0),
    "delete the session's pods": lambda user: user.delete_all("Pod", f"{SESSION}={BOB}"),
    "change the Lease": lambda user: user.merge("Lease", BOB, {"spec": {"holderIdentity": "ada"}}),
    "take the Lease over": lambda user: user.merge("Lease", BOB, {"metadata": {"labels": {OWNER: "ada"}}}),
    "change the pod": lambda user: user.merge("Pod", f"{BOB}-exec-1", {"metadata": {"labels": {"a": "b"}}}),
    "read the Secret": lambda user: user.read("Secret", f"{BOB}-rpc"),
    "list Secrets": lambda user: user.list("Secret"),
    "read the ConfigMap": lambda user: user.read("ConfigMap", f"{BOB}-tools"),
    "read the log": lambda user: user.pod_log(f"{BOB}-exec-1"),
}


@pytest.mark.parametrize("deed", OTHERS)
def test_a_user_cannot_reach_another_s(shared: Shared, deed: str) -> None:
    """The policy for what is changed, RBAC for what is read."""
    assert refusal(lambda: OTHERS[deed](shared.ada))
    for kind, name in (("Lease", BOB), ("Secret", f"{BOB}-rpc"), ("Pod", f"{BOB}-exec-1")):
        assert shared.namespace.administrator.read(kind, name) is not None


def test_nobody_enters_a_container_or_gives_it_another_one(shared: Shared) -> None:
    """RBAC alone says so: no policy of ours sees it."""
    for subresource in ("exec", "attach", "portforward", "ephemeralcontainers", "log"):
        for verb in ("get", "create", "update", "patch"):
            assert not shared.ada.can(verb, "pods", subresource=subresource)


def test_a_session_opens_and_ends_under_the_policy(
    shared: Shared,
    world: World,
) -> None:
    """Its executors' template too, which is dry-run."""
    name = session_name("flights", "z9", owner="ada")
    image = f"{REGISTRY}spark:4.3"
    session = session_of(world, shared.namespace, shared.ada, name=name, owner="ada", image=image)
    session.open()
    selector = f"{SESSION}={name}"
    assert len(shared.namespace.administrator.list("Secret", selector=selector)) == 2
    assert [warning for warning in session.warnings if "pods/log" in warning]
    session.stop()
    for kind in ("Lease", "Secret", "ConfigMap", "Service", "EndpointSlice"):
        assert not shared.namespace.administrator.list(kind, selector=selector)


def test_one_who_is_no_notebook_s_user_changes_nothing(shared: Shared) -> None:
    """A service account of this namespace, whatever RBAC lets it do."""
    namespace = shared.namespace
    stranger = namespace.connect(namespace.user("jupyter-ada", session_rules()))
    problem = refusal(lambda: stranger.create(TAKEN["a Secret of the user's own"], dry_run=True))
    assert "only users of notebooks may change anything here" in problem
    assert refusal(lambda: stranger.delete("Lease", BOB))


def test_the_reaper_and_the_administrator_may(shared: Shared, capsys: pytest.CaptureFixture[str]) -> None:
    """They clean up after everybody."""
    namespace = shared.namespace
    assert main(["manifests", "reaper", "--namespace", namespace.name, "--image", "notebook:1"]) == 0
    namespace.apply(capsys.readouterr().out)
    old = session_name("old", "k1", owner="bob")
    shared.bob.create(pod(old, owner="bob", session=old))
    shared.bob.create(secret(f"{old}-rpc", owner="bob", session=old))
    reaper = namespace.connect(namespace.kubeconfig(REAPER))
    assert reaper.delete("Pod", old, grace=0)
    assert namespace.administrator.delete("Secret", f"{old}-rpc")
