"""Names that Kubernetes accepts."""

from __future__ import annotations

import contextlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparkk8s_nb.errors import UsageError
from sparkk8s_nb.model.names import (
    check_image,
    check_namespace,
    check_object_name,
    check_owner,
    label_value,
    object_name,
    session_name,
)

# Kubernetes' own expressions, from apimachinery's validation package.
LABEL_VALUE = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?")
RFC_1123_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
RFC_1035_LABEL = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")

anything = (
    st.text(max_size=300) | st.emails() | st.from_regex(r"(/[\w .-]{1,20}){1,12}\.ipynb", fullmatch=True)
)
nonces = st.from_regex(r"[a-z0-9]{1,16}", fullmatch=True)


@given(anything)
def test_a_label_value_is_always_valid(text):
    """Whatever the text, the API server takes the label."""
    value = label_value(text)
    assert LABEL_VALUE.fullmatch(value)
    assert 0 < len(value) <= 63


@given(anything)
def test_a_label_value_of_a_label_value_is_itself(text):
    """Applying the function twice is the same as once."""
    assert label_value(label_value(text)) == label_value(text)


@given(st.from_regex(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?", fullmatch=True))
def test_a_valid_text_stays_as_it_is(text):
    """No hash where none is needed: the label is what people search for."""
    assert label_value(text) == text


@given(st.lists(anything, min_size=2, max_size=30, unique=True))
def test_different_texts_have_different_label_values(texts):
    """Two users never share a label, unless one is named as the other's label."""
    values = [label_value(text) for text in texts]
    if not set(values) & set(texts):
        assert len(set(values)) == len(texts)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ada@example.com", "ada.example.com"),
        ("Ada", "ada"),
        ("ada!", "ada?"),
        ("x" * 299 + "a", "x" * 299 + "b"),
        ("/home/a/n.ipynb", "/home/b/n.ipynb"),
        ("数据", "数据分析"),
        ("", " "),
    ],
)
def test_names_that_look_alike_stay_apart(one, other):
    """What differs only in what a label cannot hold still differs."""
    assert label_value(one) != label_value(other)


def test_a_label_value_can_be_read():
    """Accents go, e-mail addresses stay readable, of a long path the end stays."""
    assert label_value("Jürgen Müller").startswith("Jurgen-Muller-")
    assert label_value("ada@example.com").startswith("ada-example.com-")
    assert "flights.ipynb-" in label_value("/home/ada/" + "deep/" * 40 + "flights.ipynb")
    assert label_value("a" * 300).startswith("a" * 50)
    assert label_value("数据").startswith("unnamed-")


def test_lone_surrogates_of_odd_file_names_are_taken():
    """A path that is not UTF-8 reaches Python with surrogates in it."""
    assert LABEL_VALUE.fullmatch(label_value("/tmp/\udcff.ipynb"))


@given(anything, st.integers(min_value=20, max_value=63))
def test_an_object_name_is_always_an_rfc_1123_label(text, limit):
    """Valid, within the limit, and stable."""
    name = object_name(text, limit=limit)
    assert RFC_1123_LABEL.fullmatch(name)
    assert len(name) <= limit
    assert object_name(name, limit=limit) == name


@given(anything, nonces)
def test_a_session_name_leaves_room_for_executors_and_names_a_service(notebook, nonce):
    """``<name>-exec-<n>`` fits 63 characters and a Service's name begins with a letter."""
    name = session_name(notebook, nonce)
    assert RFC_1035_LABEL.fullmatch(name)
    assert len(name) <= 40
    assert len(f"{name}-exec-1000000") <= 63
    assert name.startswith("spark-")
    assert name.endswith(f"-{nonce}")


def test_a_session_name_shows_the_notebook():
    """The last part of the path, without its ending."""
    assert session_name("work/Flights & Weather.ipynb", "k7x2m9") == "spark-flights-weather-k7x2m9"
    assert session_name("x" * 100, "k7x2m9") == f"spark-{'x' * 27}-k7x2m9"
    assert session_name("数据.ipynb", "k7x2m9") == "spark-k7x2m9"


def test_a_session_s_name_tells_its_owner_where_that_is_asked_for():
    """No owner's name is the beginning of another's, and Spark's own limit is kept."""
    assert session_name("数据.ipynb", "k7x2m9", owner="ada") == "spark-ada--k7x2m9"
    names = [session_name("n", "k7", owner=owner) for owner in ("a", "a-b", "ab")]
    for name, owner in zip(names, ("a", "a-b", "ab"), strict=True):
        assert [other.startswith(f"spark-{owner}--") for other in names].count(True) == 1
        assert name.startswith(f"spark-{owner}--")
    assert len(session_name("x" * 100, "k7x2m9ab", owner="ada")) == 47
    assert len(session_name("x" * 100, "k7x2m9ab", owner="o" * 30)) <= 47


@pytest.mark.parametrize("owner", ["Ada", "a--b", "-a", "a.b", "", "a" * 31, "ada@example.com"])
def test_an_owner_who_cannot_stand_in_names_is_refused(owner):
    """With what can."""
    with pytest.raises(UsageError, match="single dashes"):
        check_owner(owner, option="SPARKK8S_OWNER")


@pytest.mark.parametrize("nonce", ["", "UPPER", "a-b", "a" * 17])
def test_a_nonce_that_is_none_is_a_bug(nonce):
    """Only the program gives nonces."""
    with pytest.raises(ValueError, match="nonce"):
        session_name("n", nonce)


@pytest.mark.parametrize("text", ["default", "team-a", "a", "0", "a" * 63])
def test_a_namespace_that_kubernetes_accepts_passes(text):
    """The text comes back."""
    assert check_namespace(text) == text


@pytest.mark.parametrize("text", ["", "Team-A", "team_a", "-a", "a-", "a.b", "a" * 64, "a b", "é", "a\n"])
def test_a_namespace_that_kubernetes_refuses_is_refused_here(text):
    """The error names the option and proposes a name that passes."""
    with pytest.raises(UsageError) as caught:
        check_namespace(text)
    assert "--namespace" in caught.value.problem
    proposed = caught.value.fix.rpartition(" ")[2]
    assert check_namespace(proposed) == proposed
    assert "\n" not in caught.value.problem


def test_an_object_name_is_checked_under_its_option():
    """Other options have the same rule."""
    with pytest.raises(UsageError, match="--profile My"):
        check_object_name("My", option="--profile", what="a profile")


@pytest.mark.parametrize(
    "image",
    [
        "spark",
        "spark:4.3",
        "apache/spark:4.3.0-python3",
        "registry.example.com:5000/team/spark_py.x/a__b:4.3",
        "localhost/spark",
        "[2001:db8::1]:5000/spark",
        f"quay.io/team/spark@sha256:{'a' * 64}",
        f"quay.io/team/spark:4.3@sha256:{'0' * 64}",
    ],
)
def test_an_image_that_kubernetes_accepts_passes(image):
    """Registry, port, path, tag and digest."""
    assert check_image(image) == image


@pytest.mark.parametrize(
    "image",
    [
        "",
        " spark",
        "spark:",
        "spark:a b",
        "Spark",
        "team/Spark:1",
        "https://quay.io/spark",
        "spark@sha256:abc",
        f"spark@sha256:{'a' * 40}",
        "/spark",
        "spark/",
        "a//b",
        "spark:" + "t" * 129,
        "a" * 256,
        "a" * 64,
        "spark\n",
        "a" * 5000,
    ],
)
def test_an_image_that_kubernetes_refuses_is_refused_here(image):
    """One line of problem, one of fix, both naming the option or the remedy."""
    with pytest.raises(UsageError) as caught:
        check_image(image)
    assert "--image" in caught.value.problem
    assert "\n" not in str(caught.value.problem + caught.value.fix)
    assert len(caught.value.problem) < 200


def test_an_image_in_upper_case_or_with_a_scheme_is_corrected():
    """The usual two mistakes get the corrected name."""
    with pytest.raises(UsageError, match="--image team/spark:1"):
        check_image("team/Spark:1")
    with pytest.raises(UsageError, match=r"--image quay\.io/spark"):
        check_image("https://quay.io/spark")


@given(st.text(alphabet="a-_./:@0A", max_size=200))
def test_checking_an_image_ends(text):
    """No text makes the expression backtrack for ever."""
    with contextlib.suppress(UsageError):
        check_image(text)
