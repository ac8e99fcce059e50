"""To which cell an output belongs, and how a thread puts one there.

A kernel's ``print`` and ``display`` go to whatever cell runs at that moment. A display from a thread
therefore carries the header of the request that ran the cell it belongs to, captured on the main thread.

An *update* of a display is another matter: front ends find the output by its ``display_id``, whichever
request is named as its parent (JupyterLab routes it to every cell that shows the id), but nbclient reads
only messages of the cell that runs. So an update names the request that runs now.
"""

from __future__ import annotations

import contextvars
import threading
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sparkk8s_nb.views.environment import shell

T = TypeVar("T")

Bundle = Mapping[str, Any]
"""A mimebundle: content by MIME type."""


class _Clearings(threading.local):
    """How often the request that a thread works at has cleared its cell: what it showed before is gone from there."""

    def __init__(self) -> None:
        self._heard: weakref.WeakSet[Any] = weakref.WeakSet()
        self._request = ""
        self._count = 0

    def count(self, publisher: Any, request: str) -> int:
        """How often so far; listens from now on."""
        if publisher not in self._heard:
            self._heard.add(publisher)
            publisher.register_hook(self._note)
        return self._count if request == self._request else 0

    def _note(self, message: dict[str, Any]) -> dict[str, Any]:
        if message["header"]["msg_type"] == "clear_output":
            request = message["parent_header"].get("msg_id", "")
            self._count = self._count + 1 if request == self._request else 1
            self._request = request
        return message


_clearings = _Clearings()


@dataclass(frozen=True, slots=True, kw_only=True)
class CellContext:
    """One execution of one cell, as something to send outputs to.

    Capture it on the main thread (in ``pre_run_cell`` or in a magic); use it from any thread.

    Parameters
    ----------
    kernel : object
        The ipykernel; None outside of one, and where a cell's outputs are captured: nothing is shown.
    parent : mapping
        The message that asked for the cell, of which only the header is kept.
    cleared : int
        How often the cell had cleared its outputs.
    """

    kernel: Any = None
    parent: Mapping[str, Any] = field(default_factory=dict)
    cleared: int = 0

    @classmethod
    def capture(cls) -> CellContext:
        """Return the context of the cell that runs now."""
        here = shell()
        kernel = getattr(here, "kernel", None)
        if kernel is None or not hasattr(here.display_pub, "session"):
            return cls()  # no kernel, or a cell whose outputs %%capture takes
        header = kernel.get_parent("shell").get("header", {})
        cleared = _clearings.count(here.display_pub, header.get("msg_id", ""))
        return cls(kernel=kernel, parent={"header": header}, cleared=cleared)

    @property
    def cell_id(self) -> str:
        """The id of the request (not of the notebook's cell): what its outputs name as their parent."""
        return str(self.parent.get("header", {}).get("msg_id", ""))

    def is_same_place(self, other: CellContext) -> bool:
        """Whether what the other one shows stands where this one would show it: same cell, not cleared between."""
        return bool(self.cell_id) and (self.cell_id, self.cleared) == (other.cell_id, other.cleared)

    def display(self, bundle: Bundle, display_id: str) -> None:
        """Show a bundle under the captured cell; safe on any thread."""
        self._send("display_data", bundle, display_id, self.parent)

    def update(self, bundle: Bundle, display_id: str) -> None:
        """Replace what was shown under that id, in whichever cell it is; safe on any thread."""
        if self.kernel is not None:
            self._send("update_display_data", bundle, display_id, self.kernel.get_parent("shell"))

    def apart(self, work: Callable[[], T]) -> T:
        """Run ``work`` so that the comm messages it sends belong to no cell."""
        return apart(self.kernel, work)

    def _send(self, kind: str, bundle: Bundle, display_id: str, parent: Mapping[str, Any]) -> None:
        kernel = self.kernel
        if kernel is None:
            return
        content = {"data": dict(bundle), "metadata": {}, "transient": {"display_id": display_id}}
        kernel.session.send(
            kernel.iopub_socket,
            kind,
            content,
            parent=dict(parent),
            ident=f"display_data.{display_id}".encode(),
        )


def apart(kernel: Any, work: Callable[[], T]) -> T:
    """Run ``work`` so that the comm messages it sends belong to no cell, and to no subshell.

    A front end takes a comm whatever its parent is. nbclient stores the state of every widget that a running
    cell opens in the notebook's metadata, where a view's code has no business; and ipykernel sends what the
    browser says to the subshell in which the kernel last spoke, which may be gone when the page was reloaded.

    Parameters
    ----------
    kernel : object
        The ipykernel; None outside of one.
    work : callable
    """
    parent = getattr(kernel, "_shell_parent", None)
    context = contextvars.copy_context()
    if isinstance(parent, contextvars.ContextVar):
        context.run(parent.set, {})
    return context.run(work)
