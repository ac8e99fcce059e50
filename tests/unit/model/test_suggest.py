"""Did you mean."""

from __future__ import annotations

from sparkk8s_nb.model.suggest import did_you_mean, nearest


def test_a_typo_finds_the_word():
    """Transposed letters, a missing dash, other case."""
    words = ["--memory", "--driver-memory", "--cores"]
    assert nearest("--memroy", words) == "--memory"
    assert nearest("--driver_memory", words) == "--driver-memory"
    assert nearest("--CORES", words) == "--cores"


def test_a_word_that_is_far_from_all_gets_no_guess():
    """A wrong guess is worse than none."""
    assert nearest("banana", ["--memory", "--cores"]) is None
    assert did_you_mean("banana", ["start"], otherwise="See help.") == "See help."
