"""The widgets: a comm, a little code for the browser, and no state of their own.

Imported only where widgets are tried, so that a terminal never loads ipywidgets. The code in ``static/`` is
plain ES modules that ``import`` from each other; a widget's module is loaded by the browser from one string,
so what it imports is put in front of it here. That string is sent with every view, so it goes compressed, with
the style sheet in it and without comments and indentation.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import anywidget

_STATIC = Path(__file__).with_name("static")
_IMPORT = re.compile(r'^import \{[^}]*\} from "\./(\w+\.js)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?function|const|class)", re.MULTILINE)
_UNSENT = re.compile(r"^(?:[ ]*//.*\n|/\*.*\*/\n|[ ]+|\n)", re.MULTILINE)
_NEEDLESS = re.compile(r"(?<=[{};,])\n|(?<=:) | (?={)")
"""White space of a style sheet between its parts, not within them."""

# A page keeps every module that it has imported for as long as it lives: the unpacked one is imported once for all.
_UNPACKING = """\
const kept = (globalThis.sparkk8sViews ??= new Map());
async function unpack() {
  const packed = Uint8Array.from(atob("%(packed)s"), (one) => one.charCodeAt(0));
  const unpacked = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  const code = new Blob([await new Response(unpacked).text()], { type: "text/javascript" });
  const url = URL.createObjectURL(code);
  const { default: view } = await import(url);
  URL.revokeObjectURL(url);
  return view;
}
if (!kept.has("%(key)s")) kept.set("%(key)s", unpack());
let view;
try {
  view = await kept.get("%(key)s");
} catch (error) {
  kept.delete("%(key)s");
  throw error;
}
export default view;
"""

WIDGET_MIME = "application/vnd.jupyter.widget-view+json"


@cache
def module(name: str) -> str:
    """Return a view's code as one ES module: in front of it what it imports."""
    parts: dict[str, str] = {}
    _add(f"{name}.js", parts)
    return _UNSENT.sub("", "\n".join(_EXPORT.sub("", part) for part in parts.values()))


@cache
def packed(name: str) -> str:
    """Return a view's code with its style as a small ES module that unpacks and exports it."""
    code = f"{module(name)}\nLiveView.style = {json.dumps(style())};\n"
    plain = code.encode()
    return _UNPACKING % {
        "packed": base64.b64encode(gzip.compress(plain, mtime=0)).decode(),
        "key": hashlib.sha256(plain).hexdigest()[:16],
    }


def _add(file: str, parts: dict[str, str]) -> None:
    code = (_STATIC / file).read_text(encoding="utf-8")
    for needed in _IMPORT.findall(code):
        if needed not in parts:
            _add(needed, parts)
    parts[file] = _IMPORT.sub("", code)


@cache
def style() -> str:
    """Return the style sheet of all views."""
    return _NEEDLESS.sub("", _UNSENT.sub("", (_STATIC / "style.css").read_text(encoding="utf-8")))


class ViewWidget(anywidget.AnyWidget):
    """A widget that gets frames as messages, asks for a keyframe when it has none to go on from, and has buttons.

    Parameters
    ----------
    name : str
        The ES module in ``static/``.
    on_heard : callable
        Told what the browser says, on the thread that all widgets share: it returns at once.
    """

    def __init__(self, name: str, on_heard: Callable[[Mapping[str, Any]], None]) -> None:
        self._esm = packed(name)
        self._on_heard = on_heard
        super().__init__()
        self.on_msg(self._heard)

    @property
    def size(self) -> int:
        """How many characters its opening sends."""
        return len(self._esm)

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
        """Hand on what a front end says: a keyframe is asked for, something is to be done."""
        if isinstance(content, dict):
            self._on_heard(content)
