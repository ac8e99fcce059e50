"""The widgets: a comm, a little code for the browser, and no state of their own.

Imported only where widgets are tried, so that a terminal never loads ipywidgets. The code in ``static/`` is
plain ES modules that ``import`` from each other; a widget's module is loaded by the browser from one string,
so what it imports is put in front of it here. That string is sent with every view:
comments and indentation stay at home.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import anywidget

_STATIC = Path(__file__).with_name("static")
_IMPORT = re.compile(r'^import \{[^}]*\} from "\./(\w+\.js)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?function|const|class)", re.MULTILINE)
_UNSENT = re.compile(r"^(?:[ ]*//.*\n|[ ]+|\n)", re.MULTILINE)

WIDGET_MIME = "application/vnd.jupyter.widget-view+json"


@cache
def module(name: str) -> str:
    """Return a view's code as one ES module: in front of it what it imports."""
    parts: dict[str, str] = {}
    _add(f"{name}.js", parts)
    *needed, view = parts.values()
    return _UNSENT.sub("", "\n".join([*(_EXPORT.sub("", part) for part in needed), view]))


def _add(file: str, parts: dict[str, str]) -> None:
    code = (_STATIC / file).read_text(encoding="utf-8")
    for needed in _IMPORT.findall(code):
        if needed not in parts:
            _add(needed, parts)
    parts[file] = _IMPORT.sub("", code)


@cache
def style() -> str:
    """Return the style sheet of all views."""
    return _UNSENT.sub("", (_STATIC / "style.css").read_text(encoding="utf-8"))


class ViewWidget(anywidget.AnyWidget):
    """A widget that gets frames as messages and asks for a keyframe when it has none to go on from."""

    def __init__(self, name: str, on_ask: Callable[[], None]) -> None:
        self._esm = module(name)
        self._css = style()
        self._on_ask = on_ask
        super().__init__()
        self.on_msg(self._heard)

    @property
    def size(self) -> int:
        """How many characters its opening sends."""
        return len(self._esm) + len(self._css)

    def show(self, message: Mapping[str, Any]) -> None:
        """Send a keyframe or a delta to every view of this widget."""
        self.send(dict(message))

    def mime(self) -> dict[str, Any]:
        """Return what makes a front end draw this widget in an output."""
        return {WIDGET_MIME: {"version_major": 2, "version_minor": 0, "model_id": self.model_id}}

    def end(self) -> None:
        """Close the widget and its layout: their comms, their memory, their models in the browser."""
        self.layout.close()
        self.close()

    def _heard(self, _widget: object, content: object, _buffers: object) -> None:
        """Note a wish and return: all widgets share one thread for what the browser says."""
        if isinstance(content, dict) and content.get("ask") == "keyframe":
            self._on_ask()
