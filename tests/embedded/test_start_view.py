"""What a real start shows while it goes on, in a front end without widgets."""

from __future__ import annotations

import re
from collections.abc import Callable

from tests.embedded.kernels import CELL_SECONDS, Cell, Kernel


def test_a_start_shows_its_phases_and_says_how_long_it_took(new_kernel: Callable[[str], Kernel]) -> None:
    """One line that counts seconds and is gone from the cell when it ends."""
    kernel = new_kernel("phases.ipynb")
    cell, shown = Cell("%sparkk8s start -n 1 --cores 1 --memory 1g"), []

    def hear(message: dict) -> None:
        cell.take(message)
        if message["msg_type"] in {"display_data", "update_display_data"}:
            shown.append(message["content"]["data"]["text/plain"])

    reply = kernel.client.execute_interactive(cell.source, output_hook=hear, timeout=CELL_SECONDS)
    assert reply["content"]["status"] == "ok", cell.said
    facts = kernel.facts()
    phases = re.findall(r"^([A-Z][A-Za-z' ]+), (\d+) s$", "\n".join(shown), re.MULTILINE)
    assert "Connecting Spark" in {what for what, _ in phases}, shown
    assert re.search(r"^Spark \S+, started in \d+ s: 1 executor running\.$", cell.stdout, re.MULTILINE), (
        cell.said
    )
    assert not any(what in text for what, _ in phases for text in cell.displays.values()), cell.displays
    assert facts.name not in "".join(shown)
    kernel.run("%sparkk8s stop")
