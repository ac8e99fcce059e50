"""Every conf of a session: Spark's traps handled, nothing secret where others can read."""

from __future__ import annotations

from pathlib import Path

import pytest

from sparkk8s_nb.errors import ConnectError
from sparkk8s_nb.model.confs import CONFS_OF_OPTIONS, owner_says
from sparkk8s_nb.model.sparkconf import DriverNetwork, SessionFiles, check_access, spark_conf
from sparkk8s_nb.model.spec import (
    GIB,
    MIB,
    ClusterAccess,
    ClusterTarget,
    ExecutorSpec,
    SessionSpec,
    TargetKind,
)

FILES = SessionFiles(
    pod_template=Path("/r/pod.json"),
    rpc_secret=Path("/r/rpc"),
    repl_classes=Path("/r/repl"),
    scratch=Path("/tmp/s"),
    event_logs=Path("/state/events"),
)
ACCESS = ClusterAccess(
    server="https://10.0.0.1:6443", ca_file=Path("/c/ca.crt"), token_file=Path("/c/token"), token="t0ps3cret"
)
NETWORK = DriverNetwork(address="10.1.2.3", driver_port=22000, block_manager_port=22001, ui_port=22002)
KEY = "the-ui-key"


def conf_of(*, conf=None, access=ACCESS, network=NETWORK, files=FILES, **other):
    spec = SessionSpec(
        name="spark-s-1",
        owner="ada",
        notebook="n",
        target=ClusterTarget(kind=TargetKind.CONTEXT, namespace="team"),
        image="team/spark:4.3",
        conf=conf or {},
        **other,
    )
    return spark_conf(spec, access, network, files, ui_key=KEY)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("spark.scheduler.minRegisteredResourcesRatio", "0"),
        ("spark.executor.maxNumFailures", str(2**31 - 1)),
        ("spark.kubernetes.executor.disableConfigMap", "true"),
        ("spark.kubernetes.executor.deleteOnTermination", "false"),
        ("spark.kubernetes.executor.podTemplateFile", "/r/pod.json"),
        ("spark.kubernetes.allocation.pods.allocator", "direct"),
        ("spark.kubernetes.container.image", "team/spark:4.3"),
        ("spark.kubernetes.memoryOverheadFactor", "0.4"),
        ("spark.repl.class.outputDir", "/r/repl"),
        ("spark.port.maxRetries", "0"),
        ("spark.submit.deployMode", "client"),
        ("spark.master", "k8s://https://10.0.0.1:6443"),
        ("spark.decommission.enabled", "true"),
        ("spark.storage.decommission.enabled", "true"),
        ("spark.authenticate", "true"),
        ("spark.network.crypto.enabled", "true"),
        ("spark.network.crypto.cipher", "AES/GCM/NoPadding"),
        ("spark.network.crypto.authEngineVersion", "2"),
        ("spark.network.crypto.saslFallback", "false"),
        ("spark.ui.filters", "org.apache.spark.ui.JWSFilter"),
        ("spark.eventLog.rolling.enabled", "true"),
        ("spark.kubernetes.authenticate.oauthTokenFile", "/c/token"),
        ("spark.kubernetes.authenticate.caCertFile", "/c/ca.crt"),
    ],
)
def test_a_trap_of_sparks_is_handled(key, value):
    """Each has its reason where it is set."""
    assert conf_of()[key] == value


def test_what_must_stay_unset_is_unset():
    """A second owner, links with a base that is not known yet, executors' scratch, a secret in clear text."""
    conf = conf_of()
    for key in (
        "spark.kubernetes.driver.pod.name",
        "spark.ui.proxyBase",
        "spark.local.dir",
        "spark.authenticate.secret",
        "spark.kubernetes.trust.certificates",
    ):
        assert key not in conf


def test_pods_are_asked_for_as_fast_as_spark_allows():
    """Its allocation's delay must be more than 100 ms."""
    assert conf_of()["spark.kubernetes.allocation.batch.delay"] == "101ms"


def test_executors_dial_the_drivers_ip_or_its_name():
    """With Spark 4.3's default, spark.driver.host would be ignored; a wildcard is never bound."""
    by_ip = conf_of()
    assert by_ip["spark.driver.bindAddress"] == by_ip["spark.driver.host"] == "10.1.2.3"
    assert by_ip["spark.kubernetes.executor.useDriverPodIP"] == "true"
    named = DriverNetwork(
        address="10.1.2.3", name="s.team.svc", driver_port=1, block_manager_port=2, ui_port=3
    )
    by_name = conf_of(network=named)
    assert by_name["spark.driver.host"] == "s.team.svc"
    assert by_name["spark.driver.bindAddress"] == "10.1.2.3"
    assert by_name["spark.kubernetes.executor.useDriverPodIP"] == "false"


def test_ports_are_fixed_and_differ():
    """Spark would move on silently, into another kernel's range."""
    conf = conf_of()
    ports = [conf[key] for key in ("spark.driver.port", "spark.driver.blockManager.port", "spark.ui.port")]
    assert ports == ["22000", "22001", "22002"]


EXECUTOR_STARTUP = ("spark.auth", "spark.ssl", "spark.rpc", "spark.network", "spark.port")
"""What Spark writes into an executor's pod, as SPARK_JAVA_OPT_n (SparkConf.isExecutorStartupConf)."""


def test_nothing_secret_reaches_a_pod_spec():
    """Only the place of the secret's file in the pod."""
    conf = conf_of()
    in_pods = {
        key: value
        for key, value in conf.items()
        if key.startswith((*EXECUTOR_STARTUP, "spark.executor", "spark.kubernetes.executor"))
    }
    assert in_pods["spark.authenticate.secret.file"] == "/opt/sparkk8s/secret/rpc"
    assert in_pods["spark.authenticate.secret.executor.file"] == "/opt/sparkk8s/secret/rpc"
    assert not any(KEY in value or "t0ps3cret" in value for value in in_pods.values())
    assert "t0ps3cret" not in str(conf)
    assert [key for key, value in conf.items() if value == KEY] == [
        "spark.org.apache.spark.ui.JWSFilter.param.secretKey"
    ]


@pytest.mark.parametrize("beside", [0, GIB])
@pytest.mark.parametrize("memory", [2 * GIB, 8 * GIB + 1, 3 * GIB])
def test_what_spark_asks_for_is_what_the_pod_was_to_have(memory, beside):
    """Spark's sum: heap + overhead + off-heap."""
    conf = conf_of(executor=ExecutorSpec(cores=3, cpu_millis=1500, memory=memory, beside=beside))
    heap, overhead = (
        int(conf[key].removesuffix("m")) for key in ("spark.executor.memory", "spark.executor.memoryOverhead")
    )
    assert (heap + overhead) * MIB + beside == memory // MIB * MIB
    assert conf["spark.executor.cores"] == "3"
    assert conf["spark.kubernetes.executor.request.cores"] == "1500m"


def test_the_users_confs_survive():
    """Also over what is only a default of ours."""
    conf = conf_of(conf={"spark.sql.shuffle.partitions": "8", "spark.decommission.enabled": "false"})
    assert conf["spark.sql.shuffle.partitions"] == "8"
    assert conf["spark.decommission.enabled"] == "false"


def test_no_conf_of_the_users_overrides_an_owned_one():
    """Even if one slipped past the check of the line."""
    mine = conf_of()
    theirs = conf_of(conf=dict.fromkeys(mine, "hijacked"))
    kept = {key for key, value in theirs.items() if value != "hijacked"}
    for key in mine:
        if owner_says(key) is not None and key != "spark.app.name":
            assert key in kept, key


def test_what_is_not_protected_is_harmless():
    """Every conf that the toolkit sets is owned, means an option, or is a default that users may change."""
    changeable = {key for key, value in conf_of(conf=dict.fromkeys(conf_of(), "x")).items() if value == "x"}
    for key in conf_of().keys() - changeable:
        assert owner_says(key) is not None or key in CONFS_OF_OPTIONS, key


def test_a_cluster_whose_certificate_is_not_checked_is_told_to_sparks_client():
    """It would fail where our own client works."""
    conf = conf_of(access=ClusterAccess(server="https://h", verify=False))
    assert conf["spark.kubernetes.trust.certificates"] == "true"
    assert "spark.kubernetes.authenticate.caCertFile" not in conf


def test_event_logs_are_written_where_there_is_a_place():
    """Off without one."""
    assert conf_of()["spark.eventLog.dir"] == "file:///state/events"
    off = SessionFiles(
        pod_template=Path("/a"), rpc_secret=Path("/b"), repl_classes=Path("/c"), scratch=Path("/d")
    )
    assert "spark.eventLog.enabled" not in conf_of(files=off)


def test_every_value_is_text():
    """py4j would pass anything else as its own type."""
    assert all(isinstance(value, str) and value for value in conf_of().values())


def test_a_server_whose_certificate_has_another_name_is_refused_before_spark_fails_on_it():
    """Its client would go on trying, in a log."""
    with pytest.raises(ConnectError, match="tls-server-name") as caught:
        check_access(ClusterAccess(server="https://10.0.0.1", tls_server_name="kubernetes"))
    assert len(str(caught.value).splitlines()) == 2
    check_access(ClusterAccess(server="https://10.0.0.1"))
    check_access(ClusterAccess(server="https://10.0.0.1", tls_server_name="kubernetes", verify=False))


def test_a_client_key_of_a_kind_that_spark_cannot_read_is_refused():
    """RSA and elliptic ones are fine."""
    with pytest.raises(ConnectError, match="neither RSA nor elliptic"):
        check_access(ClusterAccess(server="https://10.0.0.1", key_algorithm="Ed25519PrivateKey"))
    for good in ("RSA", "EC"):
        check_access(ClusterAccess(server="https://10.0.0.1", key_algorithm=good))
