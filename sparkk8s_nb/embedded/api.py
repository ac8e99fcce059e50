"""The resource handlers: decode, call, encode."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

from tornado.httputil import HTTPServerRequest
from tornado.routing import Matcher, Rule
from tornado.web import Application

from sparkk8s_nb.embedded import (
    access,
    discovery,
    events,
    patches,
    resources,
    status,
    table,
)
from sparkk8s_nb.embedded.addresses import Target
from sparkk8s_nb.embedded.deletion import DeleteOptions, delete
from sparkk8s_nb.embedded.logstream import stream_log
from sparkk8s_nb.embedded.objects import Object, name_of, namespace_of, uid_of
from sparkk8s_nb.embedded.requestinfo import (
    TRUE,
    accepts_json,
    condition_of,
    page_size,
    place,
    plan_watch,
    read_continue,
    shown,
    stored,
    target_of,
    write_continue,
)
from sparkk8s_nb.embedded.subresources import bind, evict
from sparkk8s_nb.embedded.watch import start_version
from sparkk8s_nb.embedded.watching import WatchSocket, over_http
from sparkk8s_nb.embedded.web import Handler, Site

_PATCHES: dict[str, Callable[[Any, Any], Any]] = {
    "application/merge-patch+json": patches.merge,
    "application/strategic-merge-patch+json": patches.strategic,
    "application/json-patch+json": patches.json_patch,
}


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
        target, query = target_of(self), self.query()
        if "get" not in target.resource.verbs:
            raise status.method_not_allowed()
        if target.subresource != "log" and not accepts_json(self.request.headers.get("Accept", "")):
            raise status.not_acceptable()
        if query.get("watch") in TRUE and not target.name:
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
        obj = self.site.store.get(stored(target.resource), target.namespace or "", target.name)
        self._answer_object(target, query, obj, 200)

    def _list(self, target: Target, query: dict[str, str]) -> None:
        resource, store = stored(target.resource), self.site.store
        version, after = store.version, ""
        if token := query.get("continue"):
            if query.get("resourceVersion", "0") != "0":
                raise status.bad_request("specifying resource version is not allowed when using continue")
            version, after = read_continue(token)
        elif query.get("resourceVersionMatch") == "Exact":
            version = start_version(query.get("resourceVersion"), send_initial=False) or version
        items = store.list_at(resource, target.namespace, version)
        condition = condition_of(target, query)
        if condition is not None:
            items = [each for each in items if condition(each)]
        metadata: dict[str, Any] = {"resourceVersion": str(version)}
        if after:
            items = [each for each in items if place(each) > after]
        limit = page_size(query)
        if 0 < limit < len(items):
            if condition is None:  # a real server does not look what a selector would choose of the rest
                metadata["remainingItemCount"] = len(items) - limit
            items = items[:limit]
            metadata["continue"] = write_continue(version, items[-1])
        printed = self._printed(target, query, items)
        if printed is not None:
            printed["metadata"] = metadata
            self.answer(printed)
            return
        convert = shown(target.resource)
        self.answer(
            {
                "kind": f"{target.resource.kind}List",
                "apiVersion": target.resource.api_version,
                "metadata": metadata,
                "items": [convert(each) for each in items] if convert else items,
            }
        )

    def post(self) -> None:
        """Create; bind, evict."""
        target, query = target_of(self), self.query()
        if target.resource in (resources.ACCESS_REVIEWS, resources.RULES_REVIEWS):
            self.answer(access.review(target.resource, self.body()), 201)
            return
        body = self.body()
        self._check(target, "create")
        if target.subresource == "binding":
            self.answer(bind(self.site.registry, target, body), 201)
        elif target.subresource == "eviction":
            self.answer(evict(self.site.registry, target, body), 201)
        elif target.name or (target.resource.namespaced and target.namespace is None):
            raise status.method_not_allowed()
        else:
            resource = stored(target.resource)
            body = events.from_new(body) if target.resource is resources.NEW_EVENTS else body
            dry_run = status.check_dry_run("CreateOptions", query.get("dryRun", ""))
            made = self.site.registry.create(resource, target.namespace or "", body, dry_run=dry_run)
            self._answer_object(target, query, made, 201)

    def put(self) -> None:
        """Replace an object or its status."""
        target, query, body = target_of(self), self.query(), self.body()
        self._check(target, "update")
        obj = self.site.registry.update(
            stored(target.resource),
            target.namespace or "",
            target.name,
            events.from_new(body) if target.resource is resources.NEW_EVENTS else body,
            subresource=target.subresource,
            dry_run=status.check_dry_run("UpdateOptions", query.get("dryRun", "")),
        )
        self._answer_object(target, query, obj, 200)

    def patch(self) -> None:
        """Change an object or its status by a patch."""
        target, query = target_of(self), self.query()
        self._check(target, "patch")
        kind = self.request.headers.get("Content-Type", "").partition(";")[0].strip()
        apply = _PATCHES.get(kind)
        if apply is None:
            raise status.unsupported_media_type(kind, tuple(_PATCHES))
        try:
            patch = json.loads(self.request.body)
        except ValueError as error:
            raise status.bad_request(f"error decoding the patch: {error}") from error
        resource = stored(target.resource)
        obj = self.site.registry.patch(
            resource,
            target.namespace or "",
            target.name,
            lambda old: apply(old, patch),
            subresource=target.subresource,
            dry_run=status.check_dry_run("PatchOptions", query.get("dryRun", "")),
        )
        self._answer_object(target, query, obj, 200)

    def delete(self) -> None:
        """Delete an object, or a collection by its selectors."""
        target, query = target_of(self), self.query()
        options = DeleteOptions.read(self.body(), query)
        resource = stored(target.resource)
        if target.name:
            self._check(target, "delete")
            obj, gone = delete(self.site.registry, resource, target.namespace or "", target.name, options)
            if gone and not resource.returns_deleted:
                self.answer(status.success(resource, name_of(obj), uid_of(obj)))
            else:
                self._answer_object(target, query, obj, 200)
            return
        self._check(target, "deletecollection")
        condition = condition_of(target, query)
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
        convert = shown(target.resource)
        self.answer(printed or (convert(obj) if convert else obj), code)

    def _printed(self, target: Target, query: dict[str, str], items: list[Object]) -> dict[str, Any] | None:
        accept = self.request.headers.get("Accept", "")
        return table.of(target.resource, items, accept, query, self.site.registry.clock())

    @staticmethod
    def _check(target: Target, verb: str) -> None:
        if target.subresource == "log" or verb not in target.resource.verbs:
            raise status.method_not_allowed()
        if verb in ("update", "patch", "delete") and (
            not target.name or (target.resource.namespaced and target.namespace is None)
        ):
            raise status.method_not_allowed()


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
