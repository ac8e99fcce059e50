"""What all HTTP handlers share: the token, bodies in, bodies out, refusals as Status."""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import yaml
from tornado.httputil import HTTPServerRequest
from tornado.web import HTTPError, RequestHandler

from sparkk8s_nb.embedded import protobuf, status
from sparkk8s_nb.embedded.objects import Object
from sparkk8s_nb.embedded.registry import Registry
from sparkk8s_nb.embedded.status import StatusError
from sparkk8s_nb.embedded.store import Store

log = logging.getLogger(__name__)

_READ = ("application/json", "application/yaml", protobuf.CONTENT_TYPE)
BEARER_PROTOCOL = "base64url.bearer.authorization.k8s.io."


class PodLogs(Protocol):
    """Where the logs of containers are."""

    def path(self, pod: Object, container: str, *, previous: bool) -> Any:
        """The log file of a container's present (or previous) run; None where there is none."""

    def is_running(self, pod: Object, container: str) -> bool:
        """Whether more may be written to it."""


@dataclass(slots=True, kw_only=True)
class Site:
    """What the handlers work on."""

    store: Store
    registry: Registry
    token: str
    logs: PodLogs
    describe: Callable[[], dict[str, Any]]
    touch: Callable[[], None]


def authorized(request: HTTPServerRequest, token: str) -> bool:
    """Whether a request carries the token: as a header, or as a WebSocket subprotocol (browsers)."""
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), token.encode()):
        return True
    for offered in request.headers.get("Sec-WebSocket-Protocol", "").split(","):
        encoded = offered.strip().removeprefix(BEARER_PROTOCOL)
        if encoded != offered.strip():
            try:
                decoded = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
            except (binascii.Error, ValueError):
                continue
            if hmac.compare_digest(decoded, token.encode()):
                return True
    return False


class Handler(RequestHandler):
    """The base of all handlers."""

    site: Site

    def initialize(self, site: Site) -> None:
        """Called by tornado for every request."""
        self.site = site

    def set_default_headers(self) -> None:
        """Say no more about us than an API server does."""
        self.clear_header("Server")
        self.set_header("Cache-Control", "no-cache, private")

    def prepare(self) -> None:
        """Refuse requests without the token before anything is read from them."""
        if not authorized(self.request, self.site.token):
            self.refuse(status.unauthorized())

    def compute_etag(self) -> None:
        """No entity tags: hashing every answer would be for nothing."""

    def query(self) -> dict[str, str]:
        """The query's parameters, the last one where a name comes twice."""
        return {
            name: values[-1].decode("utf-8", "replace")
            for name, values in self.request.query_arguments.items()
        }

    def body(self) -> Any:
        """The request's body, from JSON or YAML; None where there is none.

        Raises
        ------
        StatusError
            400 for a body that cannot be read, 415 for other encodings.
        """
        raw = self.request.body
        if not raw:
            return None
        kind = self.request.headers.get("Content-Type", "application/json").partition(";")[0].strip()
        try:
            if kind == protobuf.CONTENT_TYPE and (known := protobuf.decode(raw)) is not None:
                return known
            if kind == protobuf.CONTENT_TYPE or kind not in _READ:
                raise status.unsupported_media_type(kind, ("application/json", "application/yaml"))
            if kind == "application/yaml":
                return yaml.safe_load(raw)
            return json.loads(raw)
        except (ValueError, yaml.YAMLError) as error:
            raise status.bad_request(f"error decoding the body: {error}") from error

    def answer(self, body: Any, code: int = 200) -> None:
        """Send JSON and end the request."""
        self.set_status(code)
        self.set_header("Content-Type", "application/json")
        self.finish(json.dumps(body, separators=(",", ":")))

    def refuse(self, error: StatusError) -> None:
        """Send a Status and end the request."""
        self.answer(error.body(), error.code)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Send what was raised as a Status, also what should never have been."""
        problem = kwargs.get("exc_info", (None, None, None))[1]
        if isinstance(problem, StatusError):
            self.refuse(problem)
        elif isinstance(problem, HTTPError) and status_code < 500:
            self.refuse(StatusError(status_code, "BadRequest", problem.log_message or self._reason))
        else:
            message = f"Internal error occurred: {problem}"
            self.refuse(StatusError(500, "InternalError", message))

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        """Log what is our fault, not what the client was told."""
        if not isinstance(value, StatusError | HTTPError):
            log.error("%s %s failed", self.request.method, self.request.path, exc_info=(typ, value, tb))
