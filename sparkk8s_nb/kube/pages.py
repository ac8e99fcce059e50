"""Lists of any length: read page by page, each bounded."""

from __future__ import annotations

from collections.abc import Sequence

from sparkk8s_nb.kube.kinds import Kind
from sparkk8s_nb.kube.sender import Sender
from sparkk8s_nb.kube.translate import Asked
from sparkk8s_nb.ports import Manifest

PAGE = 500
"""Objects per list request: the API server's own default for its clients."""


def read_pages(
    sender: Sender, kind: Kind, path: str, asked: Asked, *, selector: str = "", fields: str = ""
) -> tuple[Sequence[Manifest], str]:
    """The objects at a path, and the resource version from which a watch goes on.

    Parameters
    ----------
    sender : Sender
    kind : Kind
        The API leaves kind and apiVersion out of list items; here they always have them.
    path : str
    asked : Asked
        For errors.
    selector, fields : str
        Label and field selector.

    Raises
    ------
    ClusterError
    """
    query = {"limit": str(PAGE)}
    query |= {"labelSelector": selector} if selector else {}
    query |= {"fieldSelector": fields} if fields else {}
    items: list[Manifest] = []
    while True:
        page = sender.object("GET", path, asked, query=query)
        items += [
            {**item, "kind": kind.name, "apiVersion": kind.api_version} for item in page.get("items") or []
        ]
        metadata = page.get("metadata") or {}
        if not metadata.get("continue"):
            return items, str(metadata.get("resourceVersion", ""))
        query["continue"] = metadata["continue"]
