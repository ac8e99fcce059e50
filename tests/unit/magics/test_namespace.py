"""``spark`` and ``sc`` are set where they are free or ours, and taken back only while they are ours."""

from __future__ import annotations

from sparkk8s_nb.magics.namespace import Namespace


class SparkContext:
    """What a stopped one looks like."""

    def __init__(self, jsc=None):
        self._jsc = jsc


class SparkSession:
    def __init__(self, jsc=None):
        self._sc = SparkContext(jsc)


def test_free_names_are_set_and_taken_back():
    """Nothing of ours stays after the stop."""
    variables = {}
    namespace = Namespace(variables)
    assert namespace.offer({"spark": 1, "sc": 2}) == []
    assert variables == {"spark": 1, "sc": 2}
    namespace.withdraw()
    assert variables == {}
    namespace.withdraw()


def test_a_variable_of_the_users_own_is_left_alone():
    """Before and after."""
    variables = {"spark": "mine"}
    namespace = Namespace(variables)
    assert namespace.offer({"spark": 1, "sc": 2}) == ["spark"]
    namespace.withdraw()
    assert variables == {"spark": "mine"}


def test_what_the_user_has_set_since_is_not_taken_back():
    """It is his now."""
    variables = {}
    namespace = Namespace(variables)
    namespace.offer({"spark": 1})
    variables["spark"] = "mine"
    namespace.withdraw()
    assert variables == {"spark": "mine"}
    assert namespace.offer({"spark": 2}) == ["spark"]


def test_none_and_stopped_sessions_are_free():
    """They are of no use to anybody; a living one of somebody else's is."""
    for value in (None, SparkSession(), SparkContext()):
        variables = {"spark": value}
        assert Namespace(variables).offer({"spark": 1}) == []
    assert Namespace({"spark": SparkSession(jsc=object())}).offer({"spark": 1}) == ["spark"]


def test_our_own_may_be_set_again():
    """A restart."""
    variables = {}
    namespace = Namespace(variables)
    first, second = SparkSession(jsc=object()), SparkSession(jsc=object())
    namespace.offer({"spark": first})
    assert namespace.offer({"spark": second}) == []
    assert variables["spark"] is second
