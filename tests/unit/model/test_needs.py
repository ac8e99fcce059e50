"""Variables, Secrets and volumes: read strictly, and no value is ever asked for or repeated."""

from __future__ import annotations

import pytest

from sparkk8s_nb.errors import UsageError
from sparkk8s_nb.model.needs import (
    SecretUse,
    VolumeUse,
    check_paths,
    read_paths,
    read_secret,
    read_variables,
    read_volume,
)
from sparkk8s_nb.model.startline import parse_start


def test_options_may_be_repeated_and_keep_their_order():
    """On a line; each once."""
    line = "--env A --env B,A --secret s3 --secret tls:/tls --volume data:/data:ro --volume out:/out"
    values = parse_start(line.split()).values
    assert values["env"] == ("A", "B")
    assert values["secret"] == (SecretUse(name="s3"), SecretUse(name="tls", path="/tls"))
    assert values["volume"] == (
        VolumeUse(claim="data", path="/data", read_only=True),
        VolumeUse(claim="out", path="/out"),
    )
    assert [str(use) for use in values["volume"]] == ["data:/data:ro", "out:/out"]


def test_a_variables_value_on_the_line_is_refused_and_not_repeated():
    """It would stand in the notebook."""
    with pytest.raises(UsageError, match="without a value") as caught:
        read_variables("PASSWORD=hunter2", "--env")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "name", ["1A", "A-B", "", "A B", "SPARK_HOME", "SPARKK8S_X", "HOME", "PYSPARK_PYTHON"]
)
def test_names_that_are_none_or_the_executors_own_are_refused(name):
    """HOME2 is nobody's own."""
    with pytest.raises(UsageError):
        read_variables(name, "--env")
    assert read_variables("HOME2", "--env") == ("HOME2",)


@pytest.mark.parametrize(
    "text", ["", "Data:/x", "data", "data:", "data:x", "data:/x:rx", "data:/a/../b", "data:/"]
)
def test_what_is_no_claim_with_a_path_is_refused(text):
    """With a right example."""
    with pytest.raises(UsageError) as caught:
        read_volume(text, "--volume")
    assert "--volume CLAIM:/path" in caught.value.fix


@pytest.mark.parametrize("text", ["", "S", "s:", "s:x", "s:/proc/x", "s:/opt/sparkk8s/secret", "s:/a:b"])
def test_what_is_no_secret_is_refused(text):
    """Nothing is mounted over what executors need."""
    with pytest.raises(UsageError):
        read_secret(text, "--secret")


def test_two_things_at_one_path_are_refused():
    """Two Secrets as variables have no path; one and the same may be said twice."""
    one, two = SecretUse(name="a", path="/x"), VolumeUse(claim="b", path="/x")
    with pytest.raises(
        UsageError, match=r"--secret a:/x and --volume b:/x would be mounted at the same path"
    ):
        check_paths([one], [two])
    check_paths([SecretUse(name="a"), SecretUse(name="b"), one, one], [])


def test_shared_paths_are_absolute():
    """Without an end that means nothing."""
    assert read_paths("/mnt/a/, /b", "shared_paths =") == ("/mnt/a", "/b")
    with pytest.raises(UsageError, match="not an absolute path"):
        read_paths("data", "shared_paths =")
