"""A notebook, executed headless: results on standard output, live progress on standard error.

The kernel is a real one, so the notebook behaves as in JupyterLab. The session is stopped whatever happens,
and the executed notebook is written also when a cell fails.
"""

from __future__ import annotations

import os
import re
import shlex
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sparkk8s_nb.errors import UsageError
from sparkk8s_nb.session.starting import OVERRIDES
from sparkk8s_nb.views.text import LinePrinter

START_LINE = re.compile(r"^\s*%%?sparkk8s\s+start\b", re.MULTILINE)
LOAD = "%load_ext sparkk8s_nb"
STOP = "import sparkk8s_nb\nif sparkk8s_nb.current() is not None:\n    print(sparkk8s_nb.stop())"
STARTUP_TIMEOUT = 120
STOP_TIMEOUT = 60.0
"""Seconds for the session's stop: Spark gets 10, then its JVM is ended."""


def run_notebook(path: Path, start_words: Sequence[str], *, output: Path | None = None) -> int:
    """Execute a notebook and write it with its results.

    Parameters
    ----------
    path : Path
    start_words : sequence of str
        Start options; they win over those of the notebook's own ``%sparkk8s start``. A notebook without
        one gets a session before its first cell.
    output : Path, optional
        Where the executed notebook goes; not written if None.

    Returns
    -------
    int
        0, or 1 if a cell failed; its error is on standard error.

    Raises
    ------
    UsageError
        If it is no notebook, or nbclient is not installed.
    """
    client_class, formats = _import_nbclient()
    try:
        notebook = formats.read(path, as_version=4)
    except Exception as error:  # nbformat raises many kinds for what is no notebook
        raise UsageError(f"{path} is not a notebook.", fix="Give a .ipynb file of version 4.") from error
    printer = LinePrinter(sys.stderr, tty=sys.stderr.isatty())
    # Sockets in a directory of ours: no port on which others could try the kernel's key. Their paths must be
    # short (108 bytes), so it is not in the runtime directory.
    with tempfile.TemporaryDirectory(prefix="sparkk8s-run-") as private:
        client = _client(client_class, notebook, path, printer, Path(private))
        try:
            with client.setup_kernel(env=_environment(path, start_words), cleanup_kc=True):
                failed = _execute(client, notebook, printer, start=not _starts_itself(notebook))
        finally:
            printer.clear()
            if output is not None:
                output.parent.mkdir(parents=True, exist_ok=True)
                formats.write(notebook, output)
    return 1 if failed else 0


def _import_nbclient() -> tuple[Any, Any]:
    try:
        import nbformat
        from nbclient import NotebookClient
    except ImportError as error:
        raise UsageError("Running notebooks needs nbclient.", fix="pip install nbclient") from error
    return NotebookClient, nbformat


def _client(client_class: Any, notebook: Any, path: Path, printer: LinePrinter, private: Path) -> Any:
    from jupyter_client.manager import AsyncKernelManager

    name = notebook.metadata.get("kernelspec", {}).get("name", "python3")
    client = client_class(
        notebook,
        km=AsyncKernelManager(
            kernel_name=name, transport="ipc", ip=str(private / "k"), connection_file=str(private / "k.json")
        ),
        timeout=None,
        startup_timeout=STARTUP_TIMEOUT,
        kernel_name=name,
        resources={"metadata": {"path": str(path.resolve().parent)}},
    )
    process = client.process_message

    def follow(message: Mapping[str, Any], cell: Any, cell_index: int) -> Any:
        """Show what a live view says now; everything else goes the usual way."""
        if message["msg_type"] in {"display_data", "update_display_data"}:
            content = message["content"]
            if content.get("transient", {}).get("display_id"):
                printer.update(_one_line(content["data"].get("text/plain", "")))
        return process(message, cell, cell_index)

    client.process_message = follow
    return client


def _execute(client: Any, notebook: Any, printer: LinePrinter, *, start: bool) -> bool:
    """Run all cells until one fails; stop the session; returns whether one failed."""
    try:
        if start and not _hidden(client, f"{LOAD}\n%sparkk8s start"):
            return True
        for index, cell in enumerate(notebook.cells):
            if cell.cell_type != "code":
                continue
            failed = not _run_cell(client, cell, index)
            printer.clear()
            _print_outputs(cell)
            if failed:
                return True
        return False
    finally:
        _stop_session(client)
        printer.clear()


def _stop_session(client: Any) -> None:
    """Stop the session in a kernel that can still be asked; a dead one's keeper cleans up by itself."""
    from jupyter_core.utils import run_sync

    if not run_sync(client.km.is_alive)():
        return
    try:
        _hidden(client, STOP, timeout=STOP_TIMEOUT)
    except (TimeoutError, KeyboardInterrupt):
        # It is busy with an interrupted cell, or stuck: the kernel is ended next, and the keeper cleans up.
        sys.stderr.write("The kernel does not answer and is ended; its session is cleaned up behind it.\n")


def _run_cell(client: Any, cell: Any, index: int) -> bool:
    from jupyter_core.utils import run_sync
    from nbclient.exceptions import CellExecutionError, DeadKernelError

    try:
        client.execute_cell(cell, index)
    except CellExecutionError:
        return False
    except DeadKernelError:
        sys.stderr.write("The kernel died in this cell (out of memory?).\n")
        return False
    except KeyboardInterrupt:
        run_sync(client.km.interrupt_kernel)()
        raise
    return True


def _hidden(client: Any, source: str, timeout: float | None = None) -> bool:
    """Run code that is not in the notebook; what it prints goes to standard error."""
    reply = client.kc.execute_interactive(
        source, store_history=False, timeout=timeout, output_hook=_to_stderr, allow_stdin=False
    )
    import inspect

    if inspect.isawaitable(reply):
        from jupyter_core.utils import run_sync

        reply = run_sync(_awaited)(reply)
    return bool(reply["content"]["status"] == "ok")


async def _awaited(value: Any) -> Any:
    return await value


def _to_stderr(message: Mapping[str, Any]) -> None:
    content = message["content"]
    if message["msg_type"] == "stream":
        sys.stderr.write(content["text"])
    elif message["msg_type"] == "error":
        sys.stderr.write(plain("\n".join(content["traceback"])) + "\n")


def _print_outputs(cell: Any) -> None:
    """A cell's results as text; its error on standard error."""
    for item in cell.outputs:
        if item.output_type == "stream":
            (sys.stderr if item.name == "stderr" else sys.stdout).write(item.text)
        elif item.output_type == "error":
            sys.stderr.write(plain("\n".join(item.traceback)) + "\n")
        elif text := item.get("data", {}).get("text/plain"):
            print(text)
    sys.stdout.flush()


def _starts_itself(notebook: Any) -> bool:
    return any(START_LINE.search(cell.source) for cell in notebook.cells if cell.cell_type == "code")


def _environment(path: Path, start_words: Sequence[str]) -> dict[str, str]:
    return {
        **os.environ,
        "JPY_SESSION_NAME": str(path.resolve()),
        "SPARKK8S_VIEWS": "text",
        OVERRIDES: shlex.join(start_words),
    }


def _one_line(text: str) -> str:
    """The first line of a view: its summary."""
    return text.strip().splitlines()[0] if text.strip() else ""


def plain(text: str) -> str:
    """Text without the colours of a terminal.

    >>> plain("\\x1b[31mred\\x1b[0m")
    'red'
    """
    return re.sub(r"\x1b\[[0-9;]*m", "", text)
