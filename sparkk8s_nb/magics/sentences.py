"""What a start says when it is done."""

from __future__ import annotations

from collections.abc import Sequence

from sparkk8s_nb.model.memory import executor_split
from sparkk8s_nb.model.quantities import format_duration, format_memory
from sparkk8s_nb.session.session import Session


def started_sentence(session: Session, taken: Sequence[str] = ()) -> str:
    """Sizes, how the memory is split, and where ``spark`` is; names no cluster (it stays in the notebook).

    Parameters
    ----------
    session : Session
    taken : sequence of str
        Variables that are the user's own and were left alone.
    """
    spec = session.spec
    split = executor_split(spec.executor)
    cores = "1 core" if spec.executor.cores == 1 else f"{spec.executor.cores} cores"
    sizes = f"{format_memory(split.heap)} heap, {format_memory(split.overhead)} Python and overhead"
    if split.beside:
        sizes += f", {format_memory(split.beside)} off-heap"
    took = format_duration(session.start_seconds)
    lines = [
        f"Spark {session.spark.version}, started in {took}: {session.fleet.summary()}.",
        f"Each executor: {cores}, {format_memory(spec.executor.memory)} ({sizes}).",
        f"Driver: {format_memory(spec.driver_memory)} heap.",
    ]
    lines += session.warnings
    if taken:
        whose = "is your own variable and stays" if len(taken) == 1 else "are your own variables and stay"
        lines.append(f"{' and '.join(taken)} {whose}; the session: sparkk8s_nb.current().spark")
    else:
        lines.append("spark and sc are ready.")
    return "\n".join(lines)


def cancelled_sentence(jobs: int, cell: str) -> str:
    """How many jobs of what were cancelled.

    Examples
    --------
    >>> cancelled_sentence(1, "cell [5]")
    'Cancelled 1 job of cell [5].'
    >>> cancelled_sentence(0, "any cell")
    'No job of any cell runs.'
    """
    if not jobs:
        return f"No job of {cell} runs."
    return f"Cancelled {'1 job' if jobs == 1 else f'{jobs} jobs'} of {cell}."
