"""Labels that a settings file adds to everything a session makes: for cost centres and inventories.

The grammar is that of Kubernetes' documentation "Labels and Selectors".
"""

from __future__ import annotations

import re

from sparkk8s_nb.errors import UsageError
from sparkk8s_nb.model.suggest import correct, shown
from sparkk8s_nb.model.values import Kind

_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?"
_PART = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
_KEY = re.compile(rf"(?:(?P<prefix>(?=.{{1,253}}/){_PART}(?:\.{_PART})*)/)?(?P<name>{_NAME})")
_VALUE = re.compile(rf"(?:{_NAME})?")
_TAKEN = re.compile(r"(?:sparkk8s-nb|(?:.*\.)?(?:kubernetes|k8s)\.io)/|spark-")


def read_label(text: str, label: str) -> tuple[str, ...]:
    """Read ``KEY=VALUE``, as Kubernetes takes it and nobody else uses it.

    Raises
    ------
    UsageError

    >>> read_label("example.com/team=data", "labels =")
    ('example.com/team=data',)
    """
    key, separator, value = text.partition("=")
    if not separator or not _KEY.fullmatch(key) or not _VALUE.fullmatch(value):
        raise UsageError(
            f"{label} {shown(text)} is not a label that Kubernetes accepts.",
            fix=f"Write {correct(label, 'team=data')}: up to 63 of A-Z, a-z, 0-9, -, _ and . each.",
        )
    if _TAKEN.match(key):
        raise UsageError(
            f"The label {key} is not free: the toolkit, Spark or Kubernetes sets it.",
            fix=f"Use a key of your own: {correct(label, 'example.com/team=data')}",
        )
    return (text,)


LABELS = Kind(read=read_label)
