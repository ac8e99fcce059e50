"""One cluster and namespace through raw JSON: the :class:`~sparkk8s_nb.ports.Cluster` of real life."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from urllib3 import exceptions as net

from sparkk8s_nb.apiserver import MERGE_PATCH, Answer, Requests, Stream, Timeouts
from sparkk8s_nb.errors import NotFoundError
from sparkk8s_nb.kube.deletion import delete_chosen, delete_one
from sparkk8s_nb.kube.events import pod_events
from sparkk8s_nb.kube.kinds import Kind, kind_of
from sparkk8s_nb.kube.pages import read_pages
from sparkk8s_nb.kube.podlog import read_log
from sparkk8s_nb.kube.sender import Sender
from sparkk8s_nb.kube.translate import Asked, connect_error, error_of
from sparkk8s_nb.model.executors import PodEvent
from sparkk8s_nb.model.spec import ClusterAccess, ClusterTarget
from sparkk8s_nb.ports import Manifest

LIST_FIRST = {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan"}
"""A watch that begins with a list: beta since Kubernetes 1.32. Older servers do not take the second parameter."""


class Transport(Requests, Protocol):
    """What carries requests: :class:`~sparkk8s_nb.apiserver.ApiServer`, or a script in tests."""

    def stream(self, path: str, *, query: Mapping[str, str], timeouts: Timeouts) -> Stream:
        """Begin an answer that goes on."""
        ...

    def close(self) -> None:
        """Close idle connections."""
        ...


class KubeCluster:
    """A cluster, in one namespace. Thread-safe; every call is bounded by ``timeouts``.

    Parameters
    ----------
    target : ClusterTarget
    access : ClusterAccess
    transport : Transport
    timeouts : Timeouts
        Seconds for a connection and for each piece of an answer.
    sleep : callable
        How to wait when the server asks for a pause; at most 2 s at a time.
    on_close : callable, optional
        Called by :meth:`close`: ends what keeps the credentials fresh.

    Examples
    --------
    >>> cluster = connect(target, scratch=session_dir)             # doctest: +SKIP
    >>> cluster.create({"kind": "ConfigMap", "metadata": {"name": "c"}, "data": {}})  # doctest: +SKIP
    """

    def __init__(
        self,
        target: ClusterTarget,
        access: ClusterAccess,
        transport: Transport,
        *,
        timeouts: Timeouts | None = None,
        sleep: Callable[[float], object] = time.sleep,
        on_close: Callable[[], object] | None = None,
    ) -> None:
        self._target = target
        self._access = access
        self._transport = transport
        self._sender = Sender(access.server, transport, timeouts=timeouts or Timeouts(), sleep=sleep)
        self._on_close = on_close

    @property
    def target(self) -> ClusterTarget:
        """Which cluster and namespace."""
        return self._target

    @property
    def access(self) -> ClusterAccess:
        """How others reach the same API server."""
        return self._access

    def in_namespace(self, namespace: str) -> KubeCluster:
        """The same cluster with the same connections, in another namespace."""
        view = copy.copy(self)
        view._target = replace(self._target, namespace=namespace)
        view._on_close = None
        return view

    def close(self) -> None:
        """Close idle connections and renew no token any more; the cluster can still be used for a while."""
        if self._on_close is not None:
            self._on_close()
        self._transport.close()

    def version(self, *, timeouts: Timeouts | None = None) -> str:
        """The server's version, ``v1.34.2``; the cheapest proof that it answers."""
        answer = self._sender.answer("GET", "/version", timeouts=timeouts)
        if answer.status == 403:
            return "unknown"  # it knows us and answers; hardened clusters hide their version
        if not answer.ok:
            raise error_of(answer, Asked(verb="get", resource="/version"))
        return str(self._sender.json(answer).get("gitVersion", "unknown"))

    def create(self, manifest: Manifest, *, dry_run: bool = False) -> Manifest:
        """Create an object and return it as the server stored it.

        ``apiVersion`` and ``metadata.namespace`` are filled in where they are missing.
        """
        kind = kind_of(manifest["kind"])
        metadata = dict(manifest.get("metadata", {}))
        namespace = metadata.get("namespace") or self._target.namespace
        if kind.namespaced:
            metadata["namespace"] = namespace
        body = {**manifest, "apiVersion": manifest.get("apiVersion", kind.api_version), "metadata": metadata}
        name = str(metadata.get("name") or metadata.get("generateName", ""))
        return self._sender.object(
            "POST",
            kind.path(namespace),
            Asked.of("create", kind, namespace, name),
            query={"dryRun": "All"} if dry_run else None,
            body=body,
        )

    def read(self, kind: str, name: str) -> Manifest | None:
        """An object by kind and name, or None if there is none."""
        known = kind_of(kind)
        try:
            return self._sender.object("GET", self._path(known, name), self._asked("get", known, name))
        except NotFoundError:
            return None

    def list(self, kind: str, *, selector: str = "", all_namespaces: bool = False) -> Sequence[Manifest]:
        """The objects of a kind that a label selector chooses."""
        return self.snapshot(kind, selector=selector, all_namespaces=all_namespaces)[0]

    def snapshot(
        self, kind: str, *, selector: str = "", fields: str = "", all_namespaces: bool = False
    ) -> tuple[Sequence[Manifest], str]:
        """The objects of a kind, and the resource version from which a watch goes on.

        Parameters
        ----------
        kind : str
        selector, fields : str
            Label and field selector.
        all_namespaces : bool
        """
        known = kind_of(kind)
        path = known.path(self._target.namespace, all_namespaces=all_namespaces)
        return read_pages(
            self._sender, known, path, self._asked("list", known), selector=selector, fields=fields
        )

    def watch(
        self, kind: str, *, version: str, selector: str = "", seconds: int = 60, timeouts: Timeouts
    ) -> Stream:
        """Begin a watch from a resource version; the server ends it after ``seconds``.

        Without a version it begins with all objects there are, and a bookmark after the last of them.

        Raises
        ------
        ClusterError
            If the server refuses it; :class:`~sparkk8s_nb.errors.ExpiredError` asks for a new list.
        """
        known = kind_of(kind)
        asked = self._asked("watch", known)
        query = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(seconds),
        }
        query |= {"resourceVersion": version} if version else LIST_FIRST
        query |= {"labelSelector": selector} if selector else {}
        path = known.path(self._target.namespace)
        try:
            stream = self._transport.stream(path, query=query, timeouts=timeouts)
            if stream.status == 200:
                return stream
            body = stream.body()
            stream.close()
        except (net.HTTPError, OSError) as error:
            raise connect_error(error, self._access.server) from error
        raise error_of(Answer(status=stream.status, body=body), asked)

    def merge(self, kind: str, name: str, patch: Mapping[str, Any]) -> Manifest:
        """Change an object by a JSON merge patch."""
        known = kind_of(kind)
        return self._sender.object(
            "PATCH",
            self._path(known, name),
            self._asked("patch", known, name),
            body=dict(patch),
            content_type=MERGE_PATCH,
        )

    def delete(self, kind: str, name: str, *, uid: str = "", grace: int | None = None) -> bool:
        """Delete an object (only with that uid, if given); False if it was gone already."""
        known = kind_of(kind)
        return delete_one(
            self._sender, self._path(known, name), self._asked("delete", known, name), uid=uid, grace=grace
        )

    def delete_all(self, kind: str, selector: str, *, grace: int | None = None) -> None:
        """Delete all objects of a kind that a label selector chooses."""
        known = kind_of(kind)
        asked = self._asked("deletecollection", known)
        if not delete_chosen(self._sender, self._path(known), asked, selector, grace=grace):
            for item in self.list(kind, selector=selector):
                self.delete(kind, item["metadata"]["name"], uid=item["metadata"]["uid"], grace=grace)

    def pod_log(self, name: str, *, tail: int = 200) -> str:
        """The last lines of a pod's log; empty if there is none (yet, or any more)."""
        pods = kind_of("Pod")
        asked = Asked.of("get", pods, self._target.namespace, name, "log")
        return read_log(self._sender, self._path(pods, name) + "/log", asked, tail=tail)

    def pod_events(self, name: str) -> Sequence[PodEvent]:
        """What the API's Events say of a pod, the oldest first."""
        fields = f"involvedObject.kind=Pod,involvedObject.name={name}"
        return pod_events(self.snapshot("Event", fields=fields)[0])

    def can(self, verb: str, resource: str, *, group: str = "", subresource: str = "") -> bool:
        """Whether we may do that in the namespace (SelfSubjectAccessReview)."""
        attributes = {
            "namespace": self._target.namespace,
            "verb": verb,
            "resource": resource,
            "group": group,
            "subresource": subresource,
        }
        review = self.create(
            {"kind": "SelfSubjectAccessReview", "spec": {"resourceAttributes": attributes}},
        )
        return bool((review.get("status") or {}).get("allowed"))

    def _path(self, kind: Kind, name: str = "") -> str:
        return kind.path(self._target.namespace, name)

    def _asked(self, verb: str, kind: Kind, name: str = "") -> Asked:
        return Asked.of(verb, kind, self._target.namespace, name)
