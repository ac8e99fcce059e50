"""What is left where no keeper cleans up: ``gc`` removes it from the cluster, the next start from the disk."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

from tests.embedded.kernels import CELL_SECONDS, Cell, Kernel, Remains, temporary_files
from tests.eventually import eventually

KILLED_EARLY = """
import os, signal
from sparkk8s_nb.session import wiring
wiring._launch_keeper = lambda *parts: os.kill(os.getpid(), signal.SIGKILL)
"""


def asked(kernel: Kernel, answer: str | None) -> tuple[Cell, list[str]]:
    """Run ``gc`` in a front end that answers so, or takes no questions; what it said, what it asked."""
    cell, prompts = Cell("%sparkk8s gc"), []

    def reply(message: dict) -> None:
        prompts.append(message["content"]["prompt"])
        kernel.client.input(answer or "")

    told = kernel.client.execute_interactive(
        cell.source,
        output_hook=cell.take,
        allow_stdin=answer is not None,
        stdin_hook=reply,
        timeout=CELL_SECONDS,
    )
    assert told["content"]["status"] == "ok", cell.said
    return cell, prompts


def test_a_dead_session_is_shown_and_removed_once_somebody_says_yes(
    new_kernel: Callable[[str], Kernel], remains: Remains
) -> None:
    """No is no; where nobody can be asked the cell says what removes it."""
    dead, other = new_kernel("swept.ipynb"), new_kernel("sweeper.ipynb")
    dead.run("%sparkk8s start -n 1 --cores 1 --memory 1g")
    facts = dead.facts()
    os.kill(facts.keeper.pid, signal.SIGKILL)
    dead.kill()
    unasked, prompts = asked(other, None)
    assert (prompts, "gc --yes" in unasked.stdout) == ([], True), unasked.said
    assert facts.name in "".join(unasked.displays.values())
    for answer in ("", "n"):
        declined, prompts = asked(other, answer)
        assert prompts == ["Their kernels are dead. Remove what they left? [y/N] "]
        assert declined.stdout == "Nothing was removed.\n"
        assert f"Lease {facts.name}" in remains.objects(facts.name)
    swept, prompts = asked(other, "y")
    assert (swept.stdout, len(prompts)) == ("Removed.\n", 1)
    assert eventually(lambda: remains.objects(facts.name) == []), remains.objects(facts.name)
    again, prompts = asked(other, "y")
    assert (again.stdout, prompts) == ("Nothing to remove.\n", [])


def test_a_kernel_killed_before_its_keeper_came_leaves_nothing_to_the_next_start(
    new_kernel: Callable[[str], Kernel], remains: Remains
) -> None:
    """Its directory has secrets in it: any start of the same user removes it, whatever the notebook."""
    dead, other = new_kernel("early.ipynb"), new_kernel("next.ipynb")
    before = set(remains.session_directories())
    dead.run(KILLED_EARLY)
    dead.client.execute("%sparkk8s start -n 1 --cores 1 --memory 1g")
    assert eventually(lambda: not dead.manager.is_alive())
    (left,) = set(remains.session_directories()) - before
    assert (remains.runtime / "sessions" / left / "rpc").exists()
    assert any(path.name.startswith(left) for path in temporary_files(dead))
    other.start("-n 1 --cores 1 --memory 1g", executors=1)
    assert left not in remains.session_directories()
    assert [path for path in temporary_files(dead) if path.name.startswith(left)] == []
    other.run("%sparkk8s stop")
