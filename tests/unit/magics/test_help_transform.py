"""A question mark after a command."""

from __future__ import annotations

import pytest
from IPython.core.inputtransformer2 import TransformerManager

from sparkk8s_nb.magics.help_transform import ask_for_help


@pytest.fixture
def manager():
    """IPython's own transformers, with ours among the clean-up ones."""
    found = TransformerManager()
    found.cleanup_transforms.append(ask_for_help)
    return found


@pytest.mark.parametrize(
    "cell",
    [
        "%sparkk8s start?",
        "%sparkk8s start??",
        "  %sparkk8s start ?",
        "%sparkk8s start -n 4?",
        "%%sparkk8s start?",
    ],
)
def test_a_question_mark_after_a_command_asks_for_its_help(manager, cell):
    """Through IPython's whole chain, which would take the word for a Python object."""
    assert manager.transform_cell(cell).strip() == "get_ipython().run_line_magic('sparkk8s', 'start --help')"


def test_it_may_stand_among_other_lines(manager):
    """Also indented in a block."""
    text = manager.transform_cell("x = 1\nif x:\n    %sparkk8s logs?\ny = 2\n")
    assert "    get_ipython().run_line_magic('sparkk8s', 'logs --help')\n" in text
    assert text.startswith("x = 1\n")
    assert text.endswith("y = 2\n")


@pytest.mark.parametrize(
    "cell",
    [
        "",
        "\n",
        "%sparkk8s?",
        "%sparkk8s start",
        "%time?",
        "len?",
        "x = 'why?'",
        "# %sparkk8s start?",
        'text = """\n%sparkk8s start?\n"""',
        "f(\n%sparkk8s start?\n)",
        "%%bash\n%sparkk8s start?",
        "%%sparkk8s start\nname why?",
        "%%sparkk8s start?\nmemory 4g",
        "broken = '''\n%sparkk8s start?",
    ],
)
def test_everything_else_stays_as_it_is(cell):
    """Strings, other magics, cells of other languages, unfinished code."""
    lines = cell.splitlines(keepends=True)
    assert ask_for_help(list(lines)) == lines
