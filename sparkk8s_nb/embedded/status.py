"""What the API says when it says no: Status bodies as a real API server words them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sparkk8s_nb.embedded.resources import Resource


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """One field that is wrong, as in ``details.causes`` of a Status.

    >>> Cause(field="spec.containers[0].image", reason="FieldValueRequired", message="Required value").text
    'spec.containers[0].image: Required value'
    """

    field: str
    reason: str
    message: str

    @property
    def text(self) -> str:
        """The cause as the Status message words it."""
        return f"{self.field}: {self.message}"


class StatusError(Exception):
    """A refusal that becomes a ``v1/Status`` body.

    Parameters
    ----------
    code : int
        HTTP status.
    reason : str
        Machine-readable reason, such as ``NotFound``.
    message : str
        What kubectl prints after ``Error from server (REASON):``.
    details : dict, optional
        ``StatusDetails``: name, group, kind, causes, retryAfterSeconds.
    """

    def __init__(self, code: int, reason: str, message: str, details: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.details = details

    def body(self) -> dict[str, Any]:
        """The Status object."""
        body: dict[str, Any] = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
        }
        if self.details is not None:
            body["details"] = self.details
        body["code"] = self.code
        return body


def success(resource: Resource, name: str, uid: str) -> dict[str, Any]:
    """The Status that answers a deletion of most kinds."""
    details = {"name": name, "kind": resource.plural, "uid": uid}
    if resource.group:
        details["group"] = resource.group
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}


def _details(resource: Resource, name: str, *, kind: str | None = None) -> dict[str, Any]:
    details: dict[str, Any] = {"name": name, "kind": kind or resource.plural}
    if resource.group:
        details["group"] = resource.group
    return {key: value for key, value in details.items() if value}


def bad_request(message: str) -> StatusError:
    """400: the request itself cannot be read."""
    return StatusError(400, "BadRequest", message)


def unauthorized() -> StatusError:
    """401: no token, or not ours."""
    return StatusError(401, "Unauthorized", "Unauthorized")


def forbidden(resource: Resource, name: str, why: str) -> StatusError:
    """403: an admission decision, such as an exceeded quota."""
    return StatusError(
        403, "Forbidden", f'{resource.qualified} "{name}" is forbidden: {why}', _details(resource, name)
    )


def no_such_path() -> StatusError:
    """404 for a path that names no resource of this server."""
    return StatusError(404, "NotFound", "the server could not find the requested resource", {})


def not_found(resource: Resource, name: str) -> StatusError:
    """404 for an object.

    >>> from sparkk8s_nb.embedded.resources import PODS
    >>> not_found(PODS, "a").message
    'pods "a" not found'
    """
    return StatusError(404, "NotFound", f'{resource.qualified} "{name}" not found', _details(resource, name))


def method_not_allowed() -> StatusError:
    """405: the resource exists, the verb does not."""
    message = "the server does not allow this method on the requested resource"
    return StatusError(405, "MethodNotAllowed", message, {})


def not_acceptable() -> StatusError:
    """406: the client wants an encoding other than JSON."""
    message = "only the following media types are accepted: application/json"
    return StatusError(406, "NotAcceptable", message, {})


def already_exists(resource: Resource, name: str) -> StatusError:
    """409: the name is taken."""
    return StatusError(
        409, "AlreadyExists", f'{resource.qualified} "{name}" already exists', _details(resource, name)
    )


def conflict(resource: Resource, name: str, why: str | None = None) -> StatusError:
    """409: somebody else was quicker, or a precondition does not hold."""
    why = why or (
        "the object has been modified; please apply your changes to the latest version and try again"
    )
    message = f'Operation cannot be fulfilled on {resource.qualified} "{name}": {why}'
    return StatusError(409, "Conflict", message, _details(resource, name))


def broken_precondition(resource: Resource, name: str, what: str, wanted: str, actual: str) -> StatusError:
    """409: a deletion's precondition does not hold. The one refusal that is worded after the kind."""
    hint = {
        "UID": "The object might have been deleted and then recreated",
        "ResourceVersion": "The object might have been modified",
    }[what]
    why = f"the {what} in the precondition ({wanted}) does not match the {what} in record ({actual}). {hint}"
    message = f'Operation cannot be fulfilled on {resource.kind} "{name}": {why}'
    return StatusError(409, "Conflict", message, _details(resource, name, kind=resource.kind))


def expired(message: str) -> StatusError:
    """410: a resource version, or a continue token, that is too old."""
    return StatusError(410, "Expired", message)


def unsupported_media_type(given: str, supported: tuple[str, ...]) -> StatusError:
    """415: a body in an encoding that this server does not read."""
    message = (
        f"the body of the request was in an unknown format - accepted media types include: "
        f"{', '.join(supported)} (given: {given or 'none'})"
    )
    return StatusError(415, "UnsupportedMediaType", message)


def invalid(resource: Resource, name: str, causes: list[Cause]) -> StatusError:
    """422: every field that is wrong, each with its path.

    >>> from sparkk8s_nb.embedded.resources import PODS
    >>> error = invalid(PODS, "a", [Cause(field="spec", reason="FieldValueRequired", message="Required value")])
    >>> error.message
    'Pod "a" is invalid: spec: Required value'
    """
    texts = [cause.text for cause in causes]
    what = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
    group = f".{resource.group}" if resource.group else ""
    details = _details(resource, name, kind=resource.kind)
    details["causes"] = [
        {"reason": cause.reason, "message": cause.message, "field": cause.field} for cause in causes
    ]
    return StatusError(422, "Invalid", f'{resource.kind}{group} "{name}" is invalid: {what}', details)


def invalid_options(kind: str, cause: Cause) -> StatusError:
    """422: a parameter of the request that cannot be.

    Parameters
    ----------
    kind : str
        What the parameters are together, such as ``DeleteOptions``.
    cause : Cause
    """
    details = {
        "group": "meta.k8s.io",
        "kind": kind,
        "causes": [{"reason": cause.reason, "message": cause.message, "field": cause.field}],
    }
    return StatusError(422, "Invalid", f'{kind}.meta.k8s.io "" is invalid: {cause.text}', details)


def check_dry_run(kind: str, wanted: str) -> bool:
    """Whether nothing is to be stored.

    Raises
    ------
    StatusError
        422 for what is neither nothing nor ``All``.
    """
    if wanted in ("", "All"):
        return wanted == "All"
    message = f'Unsupported value: ["{wanted}"]: supported values: "All"'
    raise invalid_options(kind, Cause(field="dryRun", reason="FieldValueNotSupported", message=message))
