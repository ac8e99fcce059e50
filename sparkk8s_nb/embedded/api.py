"""The resource handlers: decode, call, encode."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable
from typing import Any

from tornado.httputil import HTTPServerRequest
from tornado.routing import Matcher, Rule
from tornado.web import Application

from sparkk8s_nb.embedded import (
    access,
    addresses,
    discovery,
    events,
    patches,
    protobuf,
    resources,
    selectors,
    status,
    table,
)
from sparkk8s_nb.embedded.addresses import Target
from sparkk8s_nb.embedded.deletion import DeleteOptions, delete
from sparkk8s_nb.embedded.logstream import stream_log
from sparkk8s_nb.embedded.objects import Object, name_of, namespace_of, uid_of
from sparkk8s_nb.embedded.resources import Resource
from sparkk8s_nb.embedded.subresources import bind, evict
from sparkk8s_nb.embedded.watch import Watch, start_version
from sparkk8s_nb.embedded.watching import DEFAULT_SECONDS, WatchSocket, over_http
from sparkk8s_nb.embedded.web import Handler, Site

_PATCHES: dict[str, Callable[[Any, Any], Any]] = {
    "application/merge-patch+json": patches.merge,
    "application/strategic-merge-patch+json": patches.strategic,
    "application/json-patch+json": patches.json_patch,
}
_TRUE = ("true", "1", "True")


def _stored(resource: Resource) -> Resource:
    """The kind that is stored for a kind that is served."""
    return resources.EVENTS if resource is resources.NEW_EVENTS else resource


def _shown(resource: Resource) -> Callable[[Object], Object] | None:
    """How stored objects are shown where that is not as they are."""
    return events.to_new if resource is resources.NEW_EVENTS else None


def _target(handler: Handler) -> Target:
    found = addresses.target(handler.request.path)
    if found is None:
        raise status.no_such_path()
    return found


def _condition(target: Target, query: dict[str, str]) -> selectors.Condition | None:
    fields = query.get("fieldSelector", "")
    if target.name:
        fields = ",".join(filter(None, (fields, f"metadata.name={target.name}")))
    return selectors.both(query.get("labelSelector", ""), fields, target.resource)


def plan_watch(handler: Handler) -> tuple[Watch, float]:
    """Read a watch request.

    Returns
    -------
    watch, seconds
        The watch, and for how long.

    Raises
    ------
    StatusError
        400, 404, or 410 where the version is too old.
    """
    target, query = _target(handler), handler.query()
    resource = _stored(target.resource)
    send_initial = query.get("sendInitialEvents") in _TRUE
    version = start_version(query.get("resourceVersion"), send_initial=send_initial)
    if version is not None:
        handler.site.store.changes_after(version)
    bookmarks = query.get("allowWatchBookmarks") in _TRUE
    seconds = query.get("timeoutSeconds", "")
    watch = Watch(
        handler.site.store,
        resource,
        target.namespace,
        condition=_condition(target, query),
        version=version,
        convert=table.row_converter(
            target.resource, handler.request.headers.get("Accept", ""), query, handler.site.registry.clock
        )
        or _shown(target.resource),
        bookmarks=bookmarks,
        announce_initial=send_initial and bookmarks,
    )
    return watch, float(seconds) if seconds.isdigit() and int(seconds) else DEFAULT_SECONDS


class ResourceHandler(Handler):
    """Everything under ``/api`` and ``/apis`` that names a resource, and discovery."""

    def initialize(self, site: Site, stopping: asyncio.Event) -> None:  # type: ignore[override]
        """Called by tornado for every request."""
        super().initialize(site)
        self._stopping = stopping
        self._closed = asyncio.Event()

    def on_connection_close(self) -> None:
        """The client went; a watch ends."""
        self._closed.set()

    async def get(self) -> None:
        """Get, list, watch, log, and the discovery documents."""
        path = self.request.path
        if (document := discovery.document(path)) is not None:
            self.answer(document)
            return
        if path in ("/healthz", "/livez", "/readyz"):
            self.set_header("Content-Type", "text/plain; charset=utf-8")
            self.finish("ok")
            return
        if path == "/sparkk8s/status":
            if self.query().get("touch"):
                self.site.touch()
            self.answer(self.site.describe())
            return
        target, query = _target(self), self.query()
        if "get" not in target.resource.verbs:
            raise status.method_not_allowed(target.resource)
        if query.get("watch") in _TRUE and target.subresource != "log":
            watch, seconds = plan_watch(self)
            await over_http(
                self, watch, self.site.store, seconds=seconds, closed=self._closed, stopping=self._stopping
            )
        elif target.subresource == "log":
            await stream_log(self, target, query, self._closed)
        elif target.name:
            self._get_one(target, query)
        else:
            self._list(target, query)

    def _get_one(self, target: Target, query: dict[str, str]) -> None:
        obj = self.site.store.get(_stored(target.resource), target.namespace or "", target.name)
        self._answer_object(target, query, obj, 200)

    def _list(self, target: Target, query: dict[str, str]) -> None:
        resource, store = _stored(target.resource), self.site.store
        version, after = store.version, ""
        if token := query.get("continue"):
            version, after = _read_continue(token)
        elif query.get("resourceVersionMatch") == "Exact":
            version = start_version(query.get("resourceVersion"), send_initial=False) or version
        items = store.list_at(resource, target.namespace, version)
        condition = _condition(target, query)
        if condition is not None:
            items = [each for each in items if condition(each)]
        metadata: dict[str, Any] = {"resourceVersion": str(version)}
        if after:
            items = [each for each in items if _place(each) > after]
        limit = query.get("limit", "0")
        if limit.isdigit() and 0 < int(limit) < len(items):
            metadata["remainingItemCount"] = len(items) - int(limit)
            items = items[: int(limit)]
            metadata["continue"] = _write_continue(version, items[-1])
        printed = self._printed(target, query, items)
        if printed is not None:
            printed["metadata"] = metadata
            self.answer(printed)
            return
        shown = _shown(target.resource)
        self.answer(
            {
                "kind": f"{target.resource.kind}List",
                "apiVersion": target.resource.api_version,
                "metadata": metadata,
                "items": [shown(each) for each in items] if shown else items,
            }
        )

    def post(self) -> None:
        """Create; bind, evict."""
        target, query = _target(self), self.query()
        if target.resource in (resources.ACCESS_REVIEWS, resources.RULES_REVIEWS):
            self.answer(access.review(target.resource, self._review_body(target.resource)), 201)
            return
        body = self.body()
        self._check(target, "create")
        if target.subresource == "binding":
            self.answer(bind(self.site.registry, target, body), 201)
        elif target.subresource == "eviction":
            self.answer(evict(self.site.registry, target, body), 201)
        elif target.name or (target.resource.namespaced and target.namespace is None):
            raise status.method_not_allowed(target.resource)
        else:
            resource = _stored(target.resource)
            body = events.from_new(body) if target.resource is resources.NEW_EVENTS else body
            made = self.site.registry.create(resource, target.namespace or "", body, dry_run=_dry(query))
            self._answer_object(target, query, made, 201)

    def _review_body(self, resource: Resource) -> Any:
        if not self.request.headers.get("Content-Type", "").startswith(protobuf.CONTENT_TYPE):
            return self.body()
        try:
            return protobuf.review(resource, self.request.body)
        except ValueError as error:
            raise status.bad_request(f"error decoding the body: {error}") from error

    def put(self) -> None:
        """Replace an object or its status."""
        target, query, body = _target(self), self.query(), self.body()
        self._check(target, "update")
        obj = self.site.registry.update(
            target.resource,
            target.namespace or "",
            target.name,
            body,
            subresource=target.subresource,
            dry_run=_dry(query),
        )
        self._answer_object(target, query, obj, 200)

    def patch(self) -> None:
        """Change an object or its status by a patch."""
        target, query = _target(self), self.query()
        self._check(target, "patch")
        kind = self.request.headers.get("Content-Type", "").partition(";")[0].strip()
        apply = _PATCHES.get(kind)
        if apply is None:
            raise status.unsupported_media_type(kind, tuple(_PATCHES))
        try:
            patch = json.loads(self.request.body)
        except ValueError as error:
            raise status.bad_request(f"error decoding the patch: {error}") from error
        resource = _stored(target.resource)
        obj = self.site.registry.patch(
            resource,
            target.namespace or "",
            target.name,
            lambda old: apply(old, patch),
            subresource=target.subresource,
            dry_run=_dry(query),
        )
        self._answer_object(target, query, obj, 200)

    def delete(self) -> None:
        """Delete an object, or a collection by its selectors."""
        target, query = _target(self), self.query()
        options = DeleteOptions.read(self.body(), query)
        resource = _stored(target.resource)
        if target.name:
            self._check(target, "delete")
            obj, gone = delete(self.site.registry, resource, target.namespace or "", target.name, options)
            if gone and not resource.returns_deleted:
                self.answer(status.success(resource, name_of(obj), uid_of(obj)))
            else:
                self._answer_object(target, query, obj, 200)
            return
        self._check(target, "deletecollection")
        condition = _condition(target, query)
        chosen = [
            each
            for each in self.site.store.all(resource, target.namespace)
            if condition is None or condition(each)
        ]
        deleted = [
            delete(self.site.registry, resource, namespace_of(each), name_of(each), options)[0]
            for each in chosen
        ]
        self.answer(
            {
                "kind": f"{resource.kind}List",
                "apiVersion": resource.api_version,
                "metadata": {"resourceVersion": str(self.site.store.version)},
                "items": deleted,
            }
        )

    def _answer_object(self, target: Target, query: dict[str, str], obj: Object, code: int) -> None:
        printed = self._printed(target, query, [obj])
        shown = _shown(target.resource)
        self.answer(printed or (shown(obj) if shown else obj), code)

    def _printed(self, target: Target, query: dict[str, str], items: list[Object]) -> dict[str, Any] | None:
        accept = self.request.headers.get("Accept", "")
        return table.of(target.resource, items, accept, query, self.site.registry.clock())

    @staticmethod
    def _check(target: Target, verb: str) -> None:
        if target.subresource == "log" or verb not in target.resource.verbs:
            raise status.method_not_allowed(target.resource)
        if verb in ("update", "patch", "delete") and (
            not target.name or (target.resource.namespaced and target.namespace is None)
        ):
            raise status.method_not_allowed(target.resource)


def _dry(query: dict[str, str]) -> bool:
    wanted = query.get("dryRun")
    if wanted not in (None, "", "All"):
        raise status.bad_request(f'invalid dryRun "{wanted}": supported values: "All"')
    return wanted == "All"


def _place(obj: Object) -> str:
    return f"{namespace_of(obj)}\x00{name_of(obj)}"


def _write_continue(version: int, last: Object) -> str:
    return base64.urlsafe_b64encode(json.dumps([version, _place(last)]).encode()).decode()


def _read_continue(token: str) -> tuple[int, str]:
    try:
        version, after = json.loads(base64.urlsafe_b64decode(token))
        return int(version), str(after)
    except (ValueError, TypeError) as error:
        raise status.bad_request("continue key is not valid") from error


class _Upgrades(Matcher):
    """Requests that want to become a WebSocket."""

    def match(self, request: HTTPServerRequest) -> dict[str, Any] | None:
        return {} if request.headers.get("Upgrade", "").lower() == "websocket" else None


class _Everything(Matcher):
    def match(self, request: HTTPServerRequest) -> dict[str, Any] | None:
        return {} if request.path else None


def application(site: Site, stopping: asyncio.Event) -> Application:
    """The web application; ``stopping`` ends all watches."""
    return Application(
        [
            Rule(_Upgrades(), WatchSocket, {"site": site, "plan": plan_watch, "stopping": stopping}),
            Rule(_Everything(), ResourceHandler, {"site": site, "stopping": stopping}),
        ],
        log_function=lambda _handler: None,
    )
