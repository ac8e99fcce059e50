"""The few requests that the keeper sends. A failure that may pass is one kind of error, the rest is a result."""

from __future__ import annotations

import contextlib
import datetime
import time
import urllib.parse
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any

from urllib3 import exceptions as net

from sparkk8s_nb.apiserver import MERGE_PATCH, Answer, Requests, Timeouts
from sparkk8s_nb.model.lease_events import KERNEL_GONE, lease_event

TIMEOUTS = Timeouts(connect=5.0, read=10.0)
CORE, LEASES = "/api/v1", "/apis/coordination.k8s.io/v1"
OWNED = ((CORE, "services"), ("/apis/discovery.k8s.io/v1", "endpointslices"), (CORE, "secrets"),
         (CORE, "configmaps"))  # fmt: skip
"""What a session makes beside its pods and its Lease, which owns them: these go with it in any case."""


class NotNowError(Exception):
    """The API server did not answer, or not usefully: try again later."""


class Renewed(StrEnum):
    """How a renewal ended."""

    YES = "yes"
    LOST = "lost"
    REFUSED = "refused"


class Client:
    """The session's objects in one namespace.

    Parameters
    ----------
    transport : Requests
    namespace : str
    selector : str
        Chooses everything the session made.
    now : callable
        Seconds since the epoch.
    """

    def __init__(
        self, transport: Requests, namespace: str, selector: str, *, now: Callable[[], float] = time.time
    ) -> None:
        self._transport = transport
        self._namespace = urllib.parse.quote(namespace)
        self._selector = selector
        self._now = now

    def renew(self, name: str, uid: str, now: float, annotations: Mapping[str, str] | None = None) -> Renewed:
        """Write the Lease's renewTime and some annotations, if it is still the one with that uid.

        Raises
        ------
        NotNowError
        """
        moment = datetime.datetime.fromtimestamp(now, tz=datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        # A uid in a patch's metadata is compared: the server answers 422 for another object, which may not
        # change it, and some servers 409.
        metadata: dict[str, Any] = {"uid": uid} | ({"annotations": dict(annotations)} if annotations else {})
        patch = {"metadata": metadata, "spec": {"renewTime": moment}}
        answer = self._send("PATCH", self._path(LEASES, "leases", name), body=patch, content_type=MERGE_PATCH)
        if answer.status in (404, 409) or (answer.status == 422 and b'"metadata.uid"' in answer.body):
            return Renewed.LOST
        if not answer.ok:
            return Renewed.REFUSED
        return Renewed.YES if _object(answer)["metadata"]["uid"] == uid else Renewed.LOST

    def delete_pods(self, grace: int) -> None:
        """Ask for the end of all pods of the session. Raises NotNowError."""
        self._delete_all(CORE, "pods", grace)

    def pods(self) -> int:
        """How many pods of the session are there; none if we may not look. Raises NotNowError."""
        answer = self._send("GET", self._path(CORE, "pods"), query={"labelSelector": self._selector})
        return len(_object(answer).get("items") or []) if answer.ok else 0

    def delete_owned(self) -> None:
        """Delete what the Lease owns, without waiting for the collector. Raises NotNowError."""
        for root, plural in OWNED:
            self._delete_all(root, plural, None)

    def delete_lease(self, name: str) -> None:
        """Delete the session's Lease whatever its uid; another's of the same name stays. Raises NotNowError."""
        path = self._path(LEASES, "leases", name)
        answer = self._send("GET", path)
        if not answer.ok:
            return
        metadata = _object(answer)["metadata"]
        if matches(self._selector, metadata.get("labels") or {}):
            self._tell_end(name, metadata)
            self._send("DELETE", path, body=_options(uid=metadata["uid"]))

    def _tell_end(self, name: str, metadata: Mapping[str, Any]) -> None:
        """Write an Event; where we may not, or it cannot be now, there is none: the Lease's end matters more."""
        event = lease_event(
            name,
            self._namespace,
            metadata["uid"],
            KERNEL_GONE,
            "The kernel is gone: its session was removed.",
            labels=metadata.get("labels") or {},
            now=self._now(),
        )
        with contextlib.suppress(NotNowError):
            self._send("POST", self._path(CORE, "events"), body=event)

    def _delete_all(self, root: str, plural: str, grace: int | None) -> None:
        query = {"labelSelector": self._selector}
        self._send("DELETE", self._path(root, plural), query=query, body=_options(grace=grace))

    def _path(self, root: str, plural: str, name: str = "") -> str:
        tail = f"/{urllib.parse.quote(name)}" if name else ""
        return f"{root}/namespaces/{self._namespace}/{plural}{tail}"

    def _send(self, method: str, path: str, **options: Any) -> Answer:
        """An answer that means something; a refusal (403, 405) does: it will not change."""
        try:
            answer = self._transport.request(method, path, timeouts=TIMEOUTS, **options)
        except (net.HTTPError, OSError) as error:
            raise NotNowError(f"{method} {path}: {type(error).__name__}") from error
        # 401: a token that is being rotated. 409 is a result of renew and of deletes alike.
        if answer.status in (401, 408, 429) or answer.status >= 500:
            raise NotNowError(f"{method} {path}: status {answer.status}")
        return answer


def matches(selector: str, labels: Mapping[str, str]) -> bool:
    """Whether labels are chosen by a selector of ``key=value`` terms.

    >>> matches("a=1,b=2", {"a": "1", "b": "2", "c": "3"}), matches("a=1", {})
    (True, False)
    """
    terms = (term.split("=", 1) for term in selector.split(",") if term)
    return all(labels.get(term[0]) == term[-1].lstrip("=") for term in terms)


def _object(answer: Answer) -> dict[str, Any]:
    """The object in an answer; a proxy's login page is none, and may be gone the next time."""
    try:
        found = answer.json()
    except ValueError as error:
        raise NotNowError("the answer is not JSON") from error
    if not isinstance(found, dict):
        raise NotNowError("the answer is no object")
    return found


def _options(*, uid: str = "", grace: int | None = None) -> dict[str, Any]:
    options: dict[str, Any] = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Background"}
    if uid:
        options["preconditions"] = {"uid": uid}
    if grace is not None:
        options["gracePeriodSeconds"] = grace
    return options
