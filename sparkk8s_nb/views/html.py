"""Views as static HTML: what nbconvert and a front end without widgets show. A few KB, no script."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from sparkk8s_nb.model.fleet import Fleet, Phase
from sparkk8s_nb.model.progress import JobProgress, JobState, Progress
from sparkk8s_nb.model.quantities import rough
from sparkk8s_nb.model.streams import Stream, Streams, StreamState
from sparkk8s_nb.views.text import WORDS, fleet_columns, fleet_row, stream_lines

ROWS = 10
"""So many executors or jobs an HTML view shows; the rest is counted."""

_TEXT = 90

_BOX = (
    "font:13px/1.5 var(--jp-ui-font-family,system-ui,sans-serif);color:var(--jp-ui-font-color1,inherit);"
    "font-variant-numeric:tabular-nums;border-left:3px solid {edge};padding:2px 10px"
)
_MUTED = "color:var(--jp-ui-font-color2,#616161)"
_CELL = "text-align:"
_NUMBERS = frozenset({"cores", "memory", "age", "tasks", "took", "batches", "rows/s"})
"""Columns that are read from their right end."""
_EDGES = {
    "calm": "var(--jp-success-color1,#2e7d32)",
    "busy": "var(--jp-brand-color1,#1976d2)",
    "trouble": "var(--jp-error-color1,#c62828)",
}


def summary_html(summary: str, detail: str = "", *, trouble: bool = False) -> str:
    """Return one line that stays in a saved notebook; what ``detail`` says (HTML) is folded under it.

    Examples
    --------
    >>> "3 jobs &lt;" in summary_html("3 jobs <")
    True
    """
    line = escape(summary)
    if detail:
        line = f'<details><summary style="cursor:pointer">{line}</summary>{detail}</details>'
    return _box(line, "trouble" if trouble else "calm")


def fleet_html(fleet: Fleet, now: float, *, names: bool = False) -> str:
    """Return a fleet as a table; without names nothing in it says which pod or node it is."""
    lines = [escape(fleet.summary())]
    if fleet.start:
        lines.append(f'<span style="{_MUTED}">{escape(fleet.start.line(now))}</span>')
    if fleet.verdict:
        lines.append(f"<b>{escape(fleet.verdict)}</b>")
    shown = fleet.executors[:ROWS]
    if shown:
        rows = [[cell[:_TEXT] for cell in fleet_row(view, now, names=names)] for view in shown]
        lines.append(_table(fleet_columns(names=names), rows))
    if len(fleet.executors) > ROWS:
        lines.append(f'<span style="{_MUTED}">and {len(fleet.executors) - ROWS} more</span>')
    trouble = bool(fleet.verdict or fleet.stale or fleet.counts[Phase.FAILED])
    calm = fleet.ready == fleet.wanted
    return _box("<br>".join(lines), "trouble" if trouble else "calm" if calm else "busy")


def progress_html(progress: Progress) -> str:
    """Return a cell's progress: a bar, the counts, its newest jobs, and what is notable of their stages."""
    state = progress.state
    percent = f"{progress.fraction:.0%}"
    bar = (
        '<span style="display:inline-block;width:160px;height:8px;vertical-align:middle;margin-right:8px;'
        "border-radius:4px;overflow:hidden;"
        f'background:var(--jp-layout-color3,#e0e0e0)" role="img" aria-label="{percent} done">'
        f'<span style="display:block;width:{percent};height:8px;background:{_EDGES["busy"]}"></span></span>'
    )
    lines = [bar + escape(progress.line(200).partition("] ")[2])] if progress.jobs else []
    jobs = sorted(progress.jobs, key=lambda job: (job.state is not JobState.RUNNING, -job.id))[:ROWS]
    if jobs:
        columns = ("job", "state", "tasks", "what")
        lines.append(_table(columns, [_job(job) for job in jobs]))
    if len(progress.jobs) > len(jobs):
        lines.append(f'<span style="{_MUTED}">and {len(progress.jobs) - len(jobs)} more jobs</span>')
    notes = [progress.missing] if progress.missing else []
    lines += [escape(f"⚠ {note}") for note in (*notes, *progress.words[:WORDS])]
    lines += [
        f'<span style="{_MUTED}">stream</span> {escape(line)}' for line in stream_lines(progress.streams)
    ]
    edge = {JobState.RUNNING: "busy", JobState.FAILED: "trouble"}.get(state, "calm")
    return _box("<br>".join(lines), edge)


def progress_detail_html(progress: Progress) -> str:
    """Return what stays of a finished cell beside its summary: its newest jobs, what was notable of its stages.

    It names no pod, node or host; errors are in the cell's own output.
    """
    jobs = sorted(progress.jobs, key=lambda job: -job.id)[:ROWS]
    if not jobs:
        return ""
    rows = [(*_job(job)[:3], f"{max(0.0, job.ended - job.submitted):.1f} s", _job(job)[3]) for job in jobs]
    lines = [_table(("job", "state", "tasks", "took", "what"), rows)]
    if len(progress.jobs) > len(jobs):
        lines.append(f'<span style="{_MUTED}">and {len(progress.jobs) - len(jobs)} more jobs</span>')
    notes = [progress.missing] if progress.missing else []
    lines += [escape(f"⚠ {note}") for note in (*notes, *progress.words[:WORDS])]
    return "<br>".join(lines)


def streams_html(streams: Streams) -> str:
    """Return streaming queries as a table; no text of an error, which may name hosts."""
    columns = ("stream", "state", "batches", "rows/s", "batch that runs")
    lines = [escape(streams.summary or "No streams.")]
    if streams:
        lines.append(_table(columns, [_stream(one) for one in streams[-ROWS:]]))
    if len(streams) > ROWS:
        lines.append(f'<span style="{_MUTED}">and {len(streams) - ROWS} more</span>')
    failed = any(one.state is StreamState.FAILED for one in streams)
    return _box("<br>".join(lines), "trouble" if failed else "busy" if streams.running else "calm")


def _stream(one: Stream) -> tuple[str, ...]:
    totals = one.totals
    state = f"{one.state} ({one.error_kind})" if one.error else str(one.state)
    rate = f"{rough(one.processing):,}" if one.processing else ""
    tasks = f"{totals.done}/{max(totals.tasks, totals.done)} tasks" if totals.tasks and one.running else ""
    return (one.label[:_TEXT], state, str(one.batches), rate, tasks)


def _job(job: JobProgress) -> tuple[str, ...]:
    tasks = f"{job.done}/{max(job.tasks - job.skipped, job.done)}"
    if job.failed:
        tasks += f" ({job.failed} failed)"
    return (str(job.id), job.state.lower(), tasks, job.description[:_TEXT])


def _box(content: str, edge: str) -> str:
    return f'<div style="{_BOX.format(edge=_EDGES[edge])}" role="status">{content}</div>'


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    cells = [f"{_CELL}{'right' if name in _NUMBERS else 'left'}" for name in columns]
    head = "".join(
        f'<th scope="col" style="{style};{_MUTED}">{escape(name)}</th>'
        for name, style in zip(columns, cells, strict=True)
    )
    body = "".join(
        "<tr>"
        + "".join(f'<td style="{style}">{escape(cell)}</td>' for cell, style in zip(row, cells, strict=True))
        + "</tr>"
        for row in rows
    )
    return f'<table style="border-collapse:separate;border-spacing:12px 0"><tr>{head}</tr>{body}</table>'
