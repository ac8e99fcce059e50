"""Answers of commands: tables and links, as text and HTML in one bundle."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

from sparkk8s_nb.views.environment import Home, detect

CELL = "text-align:left;padding:2px 12px 2px 0"


def show_table(rows: Sequence[Mapping[str, Any]], empty: str, *, private: bool = False) -> None:
    """Show rows under their keys; ``empty`` where there is none.

    Parameters
    ----------
    rows : sequence of Mapping
    empty : str
    private : bool
        Whether they name clusters: then a notebook shows them in its pager, which is not saved.
    """
    if not rows:
        print(empty)  # noqa: T201 - a command's answer
        return
    text = aligned(rows)
    if detect().home is not Home.KERNEL:
        print(text)  # noqa: T201
        return
    if private:
        from IPython.core.page import page

        page(text)
        return
    _display({"text/plain": text, "text/html": _table(rows)})


def show_link(label: str, url: str) -> None:
    """Show a link that opens beside the notebook."""
    if detect().home is not Home.KERNEL:
        print(f"{label}: {url}")  # noqa: T201
        return
    link = f'<a href="{html.escape(url)}" target="_blank" rel="noopener">{html.escape(label)}</a>'
    _display({"text/plain": f"{label}: {url}", "text/html": link})


def aligned(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows as a table.

    >>> print(aligned([{"name": "a", "age": "3 s"}, {"name": "long", "age": "1 s"}]))
    NAME  AGE
    a     3 s
    long  1 s
    """
    heads = list(rows[0])
    cells = [[_head(head).upper() for head in heads]]
    cells += [[_cell(row[head]) for head in heads] for row in rows]
    widths = [max(len(line[column]) for line in cells) for column in range(len(heads))]
    return "\n".join(
        "  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip() for line in cells
    )


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
    heads = "".join(f'<th style="{CELL}">{html.escape(_head(head))}</th>' for head in rows[0])
    lines = (
        "".join(f'<td style="{CELL}">{html.escape(_cell(value))}</td>' for value in row.values())
        for row in rows
    )
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return f"<table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>"


def _head(name: str) -> str:
    return name.replace("_", " ")


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "*" if value else ""
    return "" if value is None else str(value)


def _display(bundle: Mapping[str, str]) -> None:
    from IPython.display import display

    display(dict(bundle), raw=True)
