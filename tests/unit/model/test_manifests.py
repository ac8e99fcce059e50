"""A session's objects: owned, restricted, without a secret but in the Secret."""

from __future__ import annotations

import base64
import json
from dataclasses import replace

import pytest

from sparkk8s_nb.model import manifests
from sparkk8s_nb.model.manifests import CONTAINER, TOOLS_DIR, WORK_DIR
from sparkk8s_nb.model.needs import SecretUse, VolumeUse
from sparkk8s_nb.model.podmerge import read_template
from sparkk8s_nb.model.sparkconf import DriverNetwork
from sparkk8s_nb.model.spec import GIB, ClusterTarget, ExecutorSpec, SessionSpec, TargetKind

OWNER = {
    "apiVersion": "coordination.k8s.io/v1",
    "kind": "Lease",
    "name": "s",
    "uid": "u-1",
    "controller": False,
}
SPEC = SessionSpec(
    name="spark-s-1",
    owner="ada",
    notebook="flights",
    target=ClusterTarget(kind=TargetKind.CONTEXT, namespace="team"),
    executor=ExecutorSpec(cores=1, cpu_millis=500, memory=2 * GIB, disk=GIB),
    image="team/spark:4.3",
)
NETWORK = DriverNetwork(address="10.1.2.3", driver_port=22000, block_manager_port=22001, ui_port=22002)


def template(*templates, uid=1000, gid=100, hints=None):
    read = [read_template(content, "t.yaml", CONTAINER) for content in templates]
    return manifests.pod_template(SPEC, OWNER, uid=uid, gid=gid, hints=hints or {}, templates=read)


def container(pod):
    (found,) = [item for item in pod["spec"]["containers"] if item["name"] == CONTAINER]
    return found


def test_a_pod_fits_pod_security_restricted():
    """Each of the rules of the "restricted" level in Kubernetes' documentation."""
    pod = template()
    spec, executor = pod["spec"], container(pod)
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert executor["securityContext"]["allowPrivilegeEscalation"] is False
    assert executor["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys()
    allowed = {"configMap", "emptyDir", "secret", "projected", "downwardAPI", "persistentVolumeClaim"}
    assert all(set(volume) - {"name"} <= allowed for volume in spec["volumes"])


@pytest.mark.parametrize(("uid", "gid", "expected"), [(1000, 100, (1000, 100)), (0, 0, (185, 185))])
def test_users_and_groups_are_numbers_and_never_root(uid, gid, expected):
    """A name could not be checked; root becomes Spark's own."""
    context = template(uid=uid, gid=gid)["spec"]["securityContext"]
    assert (context["runAsUser"], context["runAsGroup"]) == expected
    assert context["fsGroup"] == expected[1]


def test_executors_get_no_token_and_no_links():
    """They never talk to the API server."""
    spec = template({"spec": {"automountServiceAccountToken": True, "enableServiceLinks": True}})["spec"]
    assert spec["automountServiceAccountToken"] is False
    assert spec["enableServiceLinks"] is False


def test_the_root_file_system_may_be_read_only():
    """What is written goes to a volume of the pod's own, as large as asked."""
    pod = template()
    executor = container(pod)
    env = {item["name"]: item["value"] for item in executor["env"]}
    assert executor["workingDir"] == env["HOME"] == env["TMPDIR"] == WORK_DIR
    (volume,) = [item for item in pod["spec"]["volumes"] if item["name"] == "sparkk8s-work"]
    assert volume["emptyDir"] == {"sizeLimit": "1024Mi"}


def test_everything_is_owned_by_the_lease_and_nothing_blocks_it():
    """blockOwnerDeletion needs a right that many users lack."""
    objects = [
        manifests.rpc_secret(SPEC, OWNER, b"x"),
        manifests.tools_config_map(SPEC, OWNER, {"executor.sh": "#!"}, template()),
        manifests.driver_service(SPEC, OWNER, NETWORK),
        manifests.driver_endpoints(SPEC, OWNER, NETWORK),
        template(),
    ]
    for item in objects:
        assert item["metadata"]["ownerReferences"] == [OWNER]
        assert item["metadata"]["namespace"] == "team"
        assert item["metadata"]["labels"]["sparkk8s-nb/session"] == SPEC.name
    assert "blockOwnerDeletion" not in json.dumps(objects)


def test_the_secret_is_in_the_secret_alone():
    """Base64 there; a file of mode 0440 in the pod."""
    secret = manifests.rpc_secret(SPEC, OWNER, b"very secret")
    assert base64.b64decode(secret["data"]["rpc"]) == b"very secret"
    (volume,) = [item for item in template()["spec"]["volumes"] if item["name"] == "sparkk8s-rpc"]
    assert volume["secret"] == {"secretName": f"{SPEC.name}-rpc", "defaultMode": 0o440}


def test_the_driver_has_a_name_unless_it_is_on_loopback():
    """A real API refuses loopback in an EndpointSlice."""
    service = manifests.driver_service(SPEC, OWNER, NETWORK)
    assert service["spec"]["clusterIP"] == "None"
    assert [port["port"] for port in service["spec"]["ports"]] == [22000, 22001]
    endpoints = manifests.driver_endpoints(SPEC, OWNER, NETWORK)
    assert endpoints["metadata"]["labels"]["kubernetes.io/service-name"] == service["metadata"]["name"]
    assert endpoints["endpoints"] == [{"addresses": ["10.1.2.3"], "conditions": {"ready": True}}]
    here = DriverNetwork(address="127.0.0.1", driver_port=1, block_manager_port=2, ui_port=3)
    assert manifests.driver_endpoints(SPEC, OWNER, here) is None


def test_the_users_template_wins_over_the_administrators_and_the_base():
    """Base < administrator < user."""
    admin = {
        "metadata": {"labels": {"team": "a", "cost": "1"}},
        "spec": {
            "nodeSelector": {"pool": "spark"},
            "tolerations": [{"key": "spark"}],
            "containers": [{"name": "x", "env": [{"name": "ZONE", "value": "admin"}]}],
            "terminationGracePeriodSeconds": 10,
        },
    }
    user = {
        "metadata": {"labels": {"team": "b"}},
        "spec": {
            "nodeSelector": {"disk": "ssd"},
            "tolerations": [{"key": "spot"}],
            "containers": [{"name": CONTAINER, "env": [{"name": "ZONE", "value": "user"}]}],
            "volumes": [{"name": "data", "emptyDir": {}}],
        },
    }
    pod = template(admin, user)
    spec = pod["spec"]
    assert pod["metadata"]["labels"]["team"] == "b"
    assert pod["metadata"]["labels"]["cost"] == "1"
    assert spec["nodeSelector"] == {"pool": "spark", "disk": "ssd"}
    assert spec["tolerations"] == [{"key": "spot"}]
    assert spec["terminationGracePeriodSeconds"] == 10
    assert {"name": "ZONE", "value": "user"} in container(pod)["env"]
    assert len(spec["containers"]) == 1
    assert {item["name"] for item in spec["volumes"]} == {
        "data", "sparkk8s-work", "sparkk8s-tools", "sparkk8s-rpc",
    }  # fmt: skip


def test_no_template_can_take_away_what_lifetime_and_security_rest_on():
    """Owner, labels, namespace, command, mounts, the secret's volume."""
    hostile = {
        "metadata": {
            "namespace": "kube-system",
            "ownerReferences": [{"kind": "Pod", "name": "x", "uid": "y"}],
            "labels": {"sparkk8s-nb/session": "another", "app.kubernetes.io/managed-by": "me"},
        },
        "spec": {
            "automountServiceAccountToken": True,
            "containers": [
                {
                    "name": CONTAINER,
                    "command": ["sh", "-c", "true"],
                    "volumeMounts": [{"name": "mine", "mountPath": TOOLS_DIR}],
                }
            ],
            "volumes": [
                {"name": "mine", "hostPath": {"path": "/"}},
                {"name": "sparkk8s-tools", "hostPath": {"path": "/etc"}},
            ],
        },
    }
    pod = template(hostile)
    assert pod["metadata"]["ownerReferences"] == [OWNER]
    assert pod["metadata"]["namespace"] == "team"
    assert pod["metadata"]["labels"]["sparkk8s-nb/session"] == SPEC.name
    executor = container(pod)
    assert executor["command"] == ["/bin/sh", f"{TOOLS_DIR}/executor.sh"]
    mounts = {item["mountPath"]: item["name"] for item in executor["volumeMounts"]}
    assert mounts[TOOLS_DIR] == "sparkk8s-tools"
    (tools,) = [item for item in pod["spec"]["volumes"] if item["name"] == "sparkk8s-tools"]
    assert set(tools) == {"name", "configMap"}


def test_the_probe_is_a_pod_like_the_executors():
    """What admission, quota and limits look at: image, sizes, template."""
    probe = manifests.probe_pod(SPEC, template(hints={"SPARKK8S_PYTHON": "/usr/bin/python3"}))
    executor = container(probe)
    assert probe["metadata"]["name"] == f"{SPEC.name}-probe"
    assert executor["image"] == "team/spark:4.3"
    assert executor["resources"] == {
        "requests": {"cpu": "500m", "memory": "2048Mi"},
        "limits": {"memory": "2048Mi"},
    }
    assert executor["command"][0] == "/bin/sh"
    assert {"name": "SPARKK8S_PYTHON", "value": "/usr/bin/python3"} in executor["env"]


NEEDS = replace(
    SPEC,
    env=("HTTPS_PROXY",),
    secrets=(SecretUse(name="s3"), SecretUse(name="tls", path="/tls")),
    volumes=(VolumeUse(claim="data", path="/data", read_only=True),),
)


def test_what_executors_need_is_in_their_pod_and_no_value_with_it():
    """Variables by reference, Secrets as variables or files, claims as volumes."""
    pod = manifests.pod_template(NEEDS, OWNER, uid=1000, gid=100, hints={})
    ours = container(pod)
    (proxy,) = [each for each in ours["env"] if each["name"] == "HTTPS_PROXY"]
    assert proxy["valueFrom"]["secretKeyRef"] == {"name": "spark-s-1-env", "key": "HTTPS_PROXY"}
    assert "value" not in proxy
    assert ours["envFrom"] == [{"secretRef": {"name": "s3"}}]
    mounted = {mount["mountPath"]: mount["name"] for mount in ours["volumeMounts"]}
    volumes = {volume.pop("name"): volume for volume in pod["spec"]["volumes"]}
    assert volumes[mounted["/tls"]] == {"secret": {"secretName": "tls", "defaultMode": 0o440}}
    assert volumes[mounted["/data"]] == {"persistentVolumeClaim": {"claimName": "data", "readOnly": True}}


def test_a_claim_that_is_mounted_twice_is_read_only_only_where_that_was_said():
    """A kubelet mounts it once for the pod, and would make it read-only for both."""
    uses = (VolumeUse(claim="data", path="/data"), VolumeUse(claim="data", path="/inputs", read_only=True))
    pod = manifests.needs_template(replace(SPEC, volumes=uses))
    (volume,) = pod["spec"]["volumes"]
    assert volume["persistentVolumeClaim"] == {"claimName": "data", "readOnly": False}
    mounts = {mount["mountPath"]: mount["readOnly"] for mount in container(pod)["volumeMounts"]}
    assert mounts == {"/data": False, "/inputs": True}


def test_options_win_over_templates_and_take_nothing_from_them():
    """A variable of the same name is replaced; other sources of variables stay."""
    user = {"spec": {"containers": [{
        "name": CONTAINER, "env": [{"name": "HTTPS_PROXY", "value": "old"}, {"name": "B", "value": "2"}],
        "envFrom": [{"configMapRef": {"name": "theirs"}}],
    }]}}  # fmt: skip
    ours = container(manifests.pod_template(NEEDS, OWNER, uid=1, gid=1, hints={}, templates=[user]))
    env = {each["name"]: each for each in ours["env"]}
    assert "value" not in env["HTTPS_PROXY"]
    assert env["B"]["value"] == "2"
    assert ours["envFrom"] == [{"configMapRef": {"name": "theirs"}}, {"secretRef": {"name": "s3"}}]


def test_the_values_are_in_a_secret_that_the_lease_owns():
    """Bytes that are no UTF-8 too: a variable may hold any."""
    secret = manifests.env_secret(NEEDS, OWNER, {"HTTPS_PROXY": "http://u:p@proxy", "ODD": "\udcff"})
    assert secret["metadata"]["ownerReferences"] == [OWNER]
    assert base64.b64decode(secret["data"]["HTTPS_PROXY"]) == b"http://u:p@proxy"
    assert base64.b64decode(secret["data"]["ODD"]) == b"\xff"


def test_a_cpu_limit_is_asked_for_before_spark_asks():
    """In the dry run as in Spark's own pods."""
    limited = replace(SPEC, executor=replace(SPEC.executor, cpu_limit_millis=500))
    pod = manifests.probe_pod(limited, template())
    assert container(pod)["resources"]["limits"]["cpu"] == "500m"
    assert "cpu" not in container(manifests.probe_pod(SPEC, template()))["resources"]["limits"]


@pytest.mark.parametrize(("uid", "own", "line"), [
    (12345, {}, "spark:x:12345:100:"),
    (0, {}, "spark:x:185:100:"),
    (12345, {"runAsUser": 777}, "spark:x:777:100:"),
])  # fmt: skip
def test_the_executors_user_has_a_name_whatever_the_image_knows(uid, own, line):
    """Hadoop's login fails for a user without one; a template's user counts."""
    user = {"spec": {"containers": [{"name": CONTAINER, "securityContext": own}]}}
    pod = template(user, uid=uid)
    (mount,) = [each for each in container(pod)["volumeMounts"] if each["mountPath"] == "/etc/passwd"]
    data = manifests.tools_config_map(SPEC, OWNER, {"executor.sh": "#!"}, pod)["data"]
    assert mount["name"] == "sparkk8s-tools"
    assert line in data[mount["subPath"]]


def test_on_the_embedded_cluster_executors_are_the_machines_own_user():
    """No file of the machine is covered."""
    local = replace(SPEC, target=replace(SPEC.target, kind=TargetKind.EMBEDDED))
    pod = manifests.pod_template(local, OWNER, uid=1, gid=1, hints={})
    assert "/etc/passwd" not in json.dumps(pod)
