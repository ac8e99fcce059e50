"""The Python API: what ``import sparkk8s_nb as sk`` offers."""

from __future__ import annotations

from sparkk8s_nb.model.startline import start_from
from sparkk8s_nb.session import starting
from sparkk8s_nb.session.registry import registry
from sparkk8s_nb.session.session import Session
from sparkk8s_nb.views.environment import shell


def start(**options: object) -> Session:
    """Start Spark with its executors on Kubernetes and return the session.

    In IPython this loads the extension, as ``%load_ext sparkk8s_nb`` does: cells have their progress, their
    jobs and their stop button however the session was started.

    Parameters
    ----------
    **options
        The options of ``%sparkk8s start`` by their long names: ``executors``, ``cores``, ``memory``,
        ``driver_memory``, ``image``, ``namespace``, ``context``, ``conf`` (a mapping), ``packages``,
        ``py_files``, ``wait``, ``timeout`` (seconds), ``restart`` and so on.

    Returns
    -------
    Session
        Also a context manager that stops it.

    Raises
    ------
    SparkK8sError
        With nothing left of the start.

    Examples
    --------
    >>> import sparkk8s_nb as sk                                  # doctest: +SKIP
    >>> with sk.start(executors=2, memory="2g") as session:       # doctest: +SKIP
    ...     session.spark.range(1000).count()
    1000
    """
    here = shell()
    if here is not None:
        here.extension_manager.load_extension("sparkk8s_nb")  # does nothing the second time
    return starting.start(start_from(options)).session


def stop() -> str:
    """Stop the session of this process; returns its summary.

    Raises
    ------
    NoSessionError
        If there is none.
    """
    return registry.stop()


def current() -> Session | None:
    """The session of this process, or None."""
    return registry.current
