"""Every error says what is wrong and what to do, and is drawn where it is defined."""

from __future__ import annotations

import inspect
import pickle
import re

import pytest

from sparkk8s_nb import errors
from sparkk8s_nb.errors import SparkK8sError

KINDS = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, SparkK8sError)]


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_is_two_lines(kind):
    """In print and in IPython, which shows no trace of ours."""
    error = kind("It broke.", fix="Mend it.")
    assert str(error) == "It broke.\nMend it."
    assert error._render_traceback_() == [f"{kind.__name__}: It broke.", "Mend it."]


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_survives_pickling(kind):
    """It may come from another process."""
    again = pickle.loads(pickle.dumps(kind("It broke.", fix="Mend it.")))
    assert type(again) is kind
    assert (again.problem, again.fix) == ("It broke.", "Mend it.")


def test_what_could_not_be_undone_is_shown_below():
    """As notes, Python's own way."""
    error = SparkK8sError("It broke.", fix="Mend it.")
    error.add_note("Not undone: could not delete the Lease: away.")
    assert error._render_traceback_()[-1] == "Not undone: could not delete the Lease: away."


def test_the_tree_in_the_docstring_is_the_tree():
    """Name and depth of every class."""
    drawn = {
        match[2]: len(match[1]) // 4
        for match in re.finditer(r"^    ([| +-]*)(\w+Error)\b", errors.__doc__, re.MULTILINE)
    }
    depth = {kind.__name__: len(kind.__mro__) - len(SparkK8sError.__mro__) for kind in KINDS}
    assert drawn == depth
