"""What a request for a resource asks for: its target, selectors, watch, page, dry run."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable

from sparkk8s_nb.embedded import addresses, events, resources, selectors, status, table
from sparkk8s_nb.embedded.addresses import Target
from sparkk8s_nb.embedded.objects import Object, name_of, namespace_of
from sparkk8s_nb.embedded.resources import Resource
from sparkk8s_nb.embedded.watch import Watch, start_version
from sparkk8s_nb.embedded.watching import DEFAULT_SECONDS
from sparkk8s_nb.embedded.web import Handler

TRUE = ("true", "1", "True")


def stored(resource: Resource) -> Resource:
    """The kind that is stored for a kind that is served."""
    return resources.EVENTS if resource is resources.NEW_EVENTS else resource


def shown(resource: Resource) -> Callable[[Object], Object] | None:
    """How stored objects are shown where that is not as they are."""
    return events.to_new if resource is resources.NEW_EVENTS else None


def target_of(handler: Handler) -> Target:
    found = addresses.target(handler.request.path)
    if found is None:
        raise status.no_such_path()
    return found


def condition_of(target: Target, query: dict[str, str]) -> selectors.Condition | None:
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
    target, query = target_of(handler), handler.query()
    resource = stored(target.resource)
    send_initial = query.get("sendInitialEvents") in TRUE
    version = start_version(query.get("resourceVersion"), send_initial=send_initial)
    if version is not None:
        handler.site.store.changes_after(version)
    bookmarks = query.get("allowWatchBookmarks") in TRUE
    seconds = query.get("timeoutSeconds", "")
    watch = Watch(
        handler.site.store,
        resource,
        target.namespace,
        condition=condition_of(target, query),
        version=version,
        convert=table.row_converter(
            target.resource, handler.request.headers.get("Accept", ""), query, handler.site.registry.clock
        )
        or shown(target.resource),
        bookmarks=bookmarks,
        announce_initial=send_initial and bookmarks,
    )
    return watch, float(seconds) if seconds.isdigit() and int(seconds) else DEFAULT_SECONDS


def accepts_json(accept: str) -> bool:
    """Whether a client takes what this server sends.

    >>> [accepts_json(a) for a in ("", "*/*", "application/json;as=Table, text/html", "text/html")]
    [True, True, True, False]
    """
    offered = {each.partition(";")[0].strip() for each in accept.split(",")}
    return not offered.isdisjoint({"", "*/*", "application/*", "application/json"})


def page_size(query: dict[str, str]) -> int:
    """How many objects a list may hold; 0 is all."""
    text = query.get("limit") or "0"
    if not text.lstrip("-").isdigit():
        raise status.bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax')
    return max(0, int(text))


def place(obj: Object) -> str:
    return f"{namespace_of(obj)}\x00{name_of(obj)}"


def write_continue(version: int, last: Object) -> str:
    return base64.urlsafe_b64encode(json.dumps([version, place(last)]).encode()).decode()


def read_continue(token: str) -> tuple[int, str]:
    try:
        version, after = json.loads(base64.urlsafe_b64decode(token))
        return int(version), str(after)
    except (ValueError, TypeError) as error:
        raise status.bad_request("invalid continue token: continue key is not valid") from error
