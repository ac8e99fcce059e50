"""Running ``sparkk8s-nb`` for the server, in a process of its own that has an end.

Which cluster and namespace, with whose credentials, and whose kernels are dead is decided in one place, the command
line's; and a cluster that hangs, a credential plugin that waits or a client's memory do not become the server's.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass

from sparkk8s_nb.processes import module_command, module_environ


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a command ended.

    Parameters
    ----------
    code : int
        Its exit code.
    out : bytes
        What it printed.
    errors : bytes
        What it said on standard error.
    """

    code: int
    out: bytes = b""
    errors: bytes = b""

    @property
    def last_words(self) -> tuple[str, str]:
        """The last two lines of its standard error: what is wrong, and what to do.

        >>> Ended(code=1, errors=b"We may not list Leases.\\nAsk your administrator.\\n").last_words
        ('We may not list Leases.', 'Ask your administrator.')
        """
        lines = ["", "", *self.errors.decode(errors="replace").strip().splitlines()][-2:]
        return (lines[0], lines[1]) if lines[0] else (lines[1], "")


async def run_command(*words: str, seconds: float) -> Ended:
    """Run ``sparkk8s-nb`` with these words and ``--json``.

    Parameters
    ----------
    *words : str
    seconds : float
        How long it may take; it is ended then.

    Raises
    ------
    TimeoutError
        If it took longer.
    """
    process = await asyncio.create_subprocess_exec(
        *module_command("sparkk8s_nb.cli", *words, "--json"),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=module_environ(),
    )
    try:
        out, errors = await asyncio.wait_for(process.communicate(), seconds)
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    return Ended(code=process.returncode or 0, out=out, errors=errors)
