"""The one table of start options, and the confs that are the toolkit's."""

from __future__ import annotations

from pathlib import Path

import pytest

from sparkk8s_nb.errors import UsageError
from sparkk8s_nb.model.confs import (
    CONFS_OF_OPTIONS,
    OWNED_CONFS,
    is_secret,
    owner_says,
    project_refusal,
)
from sparkk8s_nb.model.options import BY_FLAG, BY_KEY, OPTIONS, Many, option_named
from sparkk8s_nb.model.sparkconf import DriverNetwork, SessionFiles, spark_conf
from sparkk8s_nb.model.spec import ClusterAccess, ClusterTarget, SessionSpec, TargetKind


def test_every_option_of_the_design_has_its_flag():
    """The public interface, flag by flag."""
    promised = (
        "-n --min --max --cores --memory --driver-memory --disk --image --namespace --context --profile "
        "--pod-template --conf --packages --py-files --name --wait --timeout --restart --driver-address "
        "--progress --event-log --num-executors --executor-memory --executor-cores --executors"
    )
    assert set(promised.split()) <= set(BY_FLAG)


def test_keys_and_flags_are_unique():
    """No flag means two things."""
    assert len(BY_KEY) == len(OPTIONS)
    assert len(BY_FLAG) == sum(len(option.flags) for option in OPTIONS)


@pytest.mark.parametrize("option", [o for o in OPTIONS if o.available], ids=lambda o: o.key)
def test_every_option_reads_its_own_example(option):
    """Help never shows what would be refused."""
    assert option.help.endswith((".", ")"))
    for example in filter(None, [option.example, *option.choices]):
        value = option.kind.read(example, "--x")
        if option.many is Many.ONE:
            assert option.kind.read(option.kind.show(value), "--x") == value


@pytest.mark.parametrize("option", OPTIONS, ids=lambda o: o.key)
@pytest.mark.parametrize("text", ["", " ", "\0", "-", "=", "\n"])
def test_no_text_makes_reading_end_in_anything_but_a_usage_error(option, text):
    """Whatever is typed, the error has a problem and a fix of one line each."""
    try:
        option.kind.read(text, "--x")
    except UsageError as error:
        problem, fix = error.problem, error.fix
    else:
        problem, fix = "none", "none"
    assert fix
    assert "\n" not in problem + fix


def test_words_are_read_in_every_case_and_others_are_listed():
    """on and off, also as true and false."""
    assert BY_KEY["event_log"].kind.read("OFF", "--event-log") is False
    with pytest.raises(UsageError, match="neither on nor off"):
        BY_KEY["event_log"].kind.read("maybe", "--event-log")


def test_waiting_is_a_number_or_a_word():
    """None and 0 are the same."""
    read = BY_KEY["wait"].kind.read
    assert (read("all", "--wait"), read("none", "--wait"), read("0", "--wait"), read("3", "--wait")) == (
        "all",
        0,
        0,
        3,
    )
    with pytest.raises(UsageError, match="--wait some"):
        read("some", "--wait")


@pytest.mark.parametrize("name", ["driver-memory", "driver_memory", "num_executors", "num-executors"])
def test_options_have_their_flags_names_in_files_and_python(name):
    """With dashes or underscores."""
    assert option_named(name) is not None
    assert option_named("nonsense") is None


SPEC = SessionSpec(
    name="spark-n-1",
    owner="ada",
    notebook="n",
    target=ClusterTarget(kind=TargetKind.EMBEDDED, namespace="default"),
)


@pytest.mark.parametrize("name", ["", "driver.example.com"])
def test_every_conf_that_the_toolkit_forces_is_refused_or_means_an_option(name):
    """What a user sets is either refused or has an effect; it is never overwritten in silence."""
    network = DriverNetwork(address="10.0.0.1", driver_port=1, block_manager_port=2, ui_port=3, name=name)
    files = SessionFiles(
        pod_template=Path("/t"),
        rpc_secret=Path("/s"),
        repl_classes=Path("/r"),
        scratch=Path("/x"),
        event_logs=Path("/e"),
    )
    access = ClusterAccess(
        server="https://127.0.0.1:1", ca_file=Path("/ca"), token_file=Path("/t"), verify=False
    )
    conf = spark_conf(SPEC, access, network, files, ui_key="k")
    users = spark_conf(
        SessionSpec(
            name=SPEC.name, owner=SPEC.owner, notebook=SPEC.notebook, target=SPEC.target,
            conf=dict.fromkeys(conf, "the user's"),
        ),
        access, network, files, ui_key="k",
    )  # fmt: skip
    forced = {key for key, value in users.items() if value != "the user's"}
    assert {key for key in forced if owner_says(key) is None and key not in CONFS_OF_OPTIONS} == set()


@pytest.mark.parametrize(
    ("key", "instead"),
    [
        ("spark.driver.host", "--driver-address"),
        ("spark.driver.port", "--driver-address"),
        ("spark.driver.bindAddress", "--driver-address"),
        ("spark.driver.blockManager.port", "--driver-address"),
        ("spark.authenticate", "itself"),
        ("spark.authenticate.secret", "itself"),
        ("spark.network.crypto.enabled", "itself"),
        ("spark.ui.filters", "%sparkk8s ui"),
        ("spark.kubernetes.driver.pod.name", "Leave it away"),
        ("spark.master", "--context"),
        ("spark.kubernetes.context", "--context"),
        ("spark.kubernetes.namespace", "--namespace"),
        ("spark.kubernetes.container.image", "--image"),
        ("spark.kubernetes.executor.container.image", "--image"),
        ("spark.kubernetes.executor.podTemplateFile", "--pod-template"),
        ("spark.kubernetes.authenticate.oauthToken", "--context"),
        ("spark.app.name", "--name"),
        ("spark.submit.deployMode", "client mode"),
        ("spark.kubernetes.executor.deleteOnTermination", "Leave it away"),
        ("spark.kubernetes.executor.disableConfigMap", "Leave it away"),
        ("spark.executor.maxNumFailures", "Leave it away"),
        ("spark.repl.class.outputDir", "Scala"),
        ("spark.dynamicAllocation.enabled", "scale N"),
        ("spark.dynamicAllocation.maxExecutors", "not available yet"),
    ],
)
def test_a_conf_that_the_toolkit_owns_names_what_to_use(key, instead):
    """An option where there is one, else why it is left away."""
    assert instead in (owner_says(key, "true") or "")


@pytest.mark.parametrize(
    "key",
    ["spark.sql.shuffle.partitions", "spark.hadoop.fs.s3a.endpoint", "spark.ui.showConsoleProgress",
     "spark.kubernetes.executor.label.team", "spark.kubernetes.authenticate.executor.serviceAccountName",
     "spark.kubernetes.container.image.pullPolicy", "spark.eventLog.enabled", "spark.executor.extraJavaOptions"],
)  # fmt: skip
def test_every_other_conf_passes(key):
    """Refused is only what breaks identity, lifetime or security, or what an option says."""
    assert owner_says(key) is None


def test_switching_off_what_is_off_is_not_refused():
    """Scripts say so for good measure."""
    assert owner_says("spark.dynamicAllocation.enabled", "false") is None


def test_every_conf_that_means_an_option_names_one():
    """The two tables do not contradict each other."""
    assert set(CONFS_OF_OPTIONS.values()) <= set(BY_KEY)
    assert not set(CONFS_OF_OPTIONS) & set(OWNED_CONFS)


def test_secrets_are_known_by_their_names():
    """Spark's own words for them, and those of the storage connectors."""
    assert is_secret("spark.hadoop.fs.s3a.secret.key")
    assert is_secret("spark.hadoop.fs.azure.account.key.x.dfs.core.windows.net")
    assert is_secret("spark.hadoop.fs.s3a.access.key")
    assert not is_secret("spark.sql.shuffle.partitions")
    assert project_refusal("spark.hadoop.fs.s3a.secret.key") == "a credential"
    assert project_refusal("spark.sql.shuffle.partitions") is None
