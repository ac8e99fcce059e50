"""Manifests as YAML that people read and keep: keys in the order given, words on one line, texts as blocks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import yaml

from sparkk8s_nb.model.labels import PREFIX

Json = dict[str, Any]


def as_yaml(manifests: Iterable[Json], *, head: str = "") -> str:
    """The manifests as one YAML stream, after ``head`` as a comment.

    >>> print(as_yaml([{"kind": "Role", "rules": []}], head="For one namespace."), end="")
    # For one namespace.
    ---
    kind: Role
    rules: []
    """
    comment = "".join(f"# {line}".rstrip() + "\n" for line in head.splitlines())
    documents = (
        "---\n" + yaml.dump(manifest, Dumper=_Dumper, sort_keys=False, width=110, allow_unicode=True)
        for manifest in manifests
    )
    return comment + "".join(documents)


def metadata(name: str, namespace: str = "") -> Json:
    """Name and place of an administrator's object; no session owns it.

    >>> metadata("spark", "team")["namespace"]
    'team'
    """
    place = {"namespace": namespace} if namespace else {}
    labels = {"app.kubernetes.io/name": PREFIX, "app.kubernetes.io/part-of": PREFIX}
    return {"name": name, **place, "labels": labels}


class _Dumper(yaml.SafeDumper):
    """Texts of several lines as blocks, lists of words on a line, no anchors, which readers stumble over."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 (PyYAML's signature)
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


def _list(dumper: yaml.SafeDumper, items: list[Any]) -> yaml.SequenceNode:
    words = all(isinstance(item, str) and "\n" not in item for item in items)
    return dumper.represent_sequence("tag:yaml.org,2002:seq", items, flow_style=words)


_Dumper.add_representer(str, _text)
_Dumper.add_representer(list, _list)
