"""Every error a user can meet, as one tree.

::

    SparkK8sError                 problem + fix, shown as two lines
    +-- UsageError                an option, quantity or name that cannot be
    +-- SettingsError             a settings file, with file and line
    +-- JavaError                 no Java, or one that is too old
    +-- ClusterError              the Kubernetes API
    |   +-- ConnectError          no kubeconfig, a malformed one, a server that does not answer
    |   +-- RefusedError          401, 403: who may do what
    |   +-- NotFoundError         404
    |   +-- ConflictError         409: exists already, or was changed meanwhile
    |   +-- ExpiredError          410: a watch that is too old
    |   +-- InvalidError          400, 422: the API server names the field
    +-- EmbeddedError             the embedded cluster's daemon
    +-- DriverError               the driver JVM
    |   +-- PortTakenError        a driver port was taken between our look and Spark's bind
    +-- SessionError              what cannot be done with a session in its state
    |   +-- NoSessionError        there is none
    |   +-- SessionExistsError    there is one, with other options
    |   +-- SessionLostError      its Lease is gone
    +-- StartError                a start that was unwound, with its diagnosis
    +-- UnsharedPathError         a write to a local path that executors do not share
    +-- JobsCancelledError        a cell whose jobs somebody cancelled

Nothing here imports anything: every layer may raise these.
"""

from __future__ import annotations


class SparkK8sError(Exception):
    """A problem that has a next step.

    Parameters
    ----------
    problem : str
        What is wrong, one sentence that names the value at fault.
    fix : str
        What to do now, one sentence that can be followed literally.

    Examples
    --------
    >>> error = SparkK8sError("--memory 2x is not a quantity.", fix="Write --memory 2g.")
    >>> print(error)
    --memory 2x is not a quantity.
    Write --memory 2g.
    """

    def __init__(self, problem: str, *, fix: str) -> None:
        super().__init__(problem, fix)
        self.problem = problem
        self.fix = fix

    def __str__(self) -> str:
        return f"{self.problem}\n{self.fix}"

    def _render_traceback_(self) -> list[str]:
        """What IPython shows instead of a traceback: the two lines. The cause stays in ``__cause__``."""
        notes = getattr(self, "__notes__", [])  # what could not be undone
        return [f"{type(self).__name__}: {self.problem}", *self.fix.splitlines(), *notes]

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), self.problem, self.fix))


def _rebuild(kind: type[SparkK8sError], problem: str, fix: str) -> SparkK8sError:
    """Recreate an error after pickling: ``fix`` is keyword-only, which pickle cannot pass."""
    return kind(problem, fix=fix)


class UsageError(SparkK8sError):
    """An option, a quantity or a name that cannot be."""


class SettingsError(SparkK8sError):
    """A settings file with something wrong in it; the problem names file and line."""


class JavaError(SparkK8sError):
    """No Java on this machine, or one that is too old for Spark."""


class ClusterError(SparkK8sError):
    """The Kubernetes API said no, or nothing."""


class ConnectError(ClusterError):
    """There is no way to the API server: kubeconfig, address, certificate."""


class RefusedError(ClusterError):
    """The API server knows us and refuses (401, 403)."""


class NotFoundError(ClusterError):
    """The object is not there (404)."""


class ConflictError(ClusterError):
    """The object exists already or was changed meanwhile (409)."""


class ExpiredError(ClusterError):
    """The resource version is too old to watch from (410)."""


class InvalidError(ClusterError):
    """The API server finds a field invalid (400, 422)."""


class EmbeddedError(SparkK8sError):
    """The embedded cluster's daemon does not start or answer."""


class DriverError(SparkK8sError):
    """The driver JVM did not start, or died."""


class PortTakenError(DriverError):
    """Another process took one of the driver's ports between our look and Spark's bind."""


class SessionError(SparkK8sError):
    """Something that a session in its present state cannot do."""


class NoSessionError(SessionError):
    """No session runs in this kernel."""


class SessionExistsError(SessionError):
    """A session runs already, with other options."""


class SessionLostError(SessionError):
    """The session's Lease is gone from the cluster."""


class StartError(SparkK8sError):
    """A start that did not reach its goal and was unwound."""


class UnsharedPathError(SparkK8sError):
    """A write to a local path that executors do not share: it would be lost."""


class JobsCancelledError(SparkK8sError):
    """Somebody cancelled the jobs that a cell waits for."""
