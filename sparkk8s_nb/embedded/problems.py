"""Collecting what is wrong with an object, each finding worded as a real API server words it. Pure."""

from __future__ import annotations

import json
import re
from typing import Any

from sparkk8s_nb.embedded.status import Cause

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_DNS1035 = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_QUALIFIED = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
_VALUE = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?")

LABEL_TEXT = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and "
    "end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
SUBDOMAIN_TEXT = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must "
    "start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
DNS1035_TEXT = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic "
    "character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for "
    "validation is '[a-z]([-a-z0-9]*[a-z0-9])?')"
)
QUALIFIED_TEXT = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
    "alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)
LABEL_VALUE_TEXT = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must "
    "start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used "
    "for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)


def name_problem(name: str, *, form: str = "subdomain") -> str | None:
    """Why a name is none (None where it is fine). ``form``: label, subdomain or dns1035.

    >>> name_problem("a-b.c"), name_problem("a.b", form="label") is None
    (None, False)
    """
    limit = 253 if form == "subdomain" else 63
    if len(name) > limit:
        return f"must be no more than {limit} bytes"
    pattern, text = {
        "label": (_LABEL, LABEL_TEXT),
        "subdomain": (_SUBDOMAIN, SUBDOMAIN_TEXT),
        "dns1035": (_DNS1035, DNS1035_TEXT),
    }[form]
    return None if pattern.fullmatch(name) else text


def qualified_problem(key: str) -> str | None:
    """Why a label or annotation key is none.

    >>> qualified_problem("sparkk8s.io/session"), qualified_problem("a b") is None
    (None, False)
    """
    prefix, slash, name = key.rpartition("/")
    if slash and (not prefix or name_problem(prefix) is not None):
        return f"prefix part {SUBDOMAIN_TEXT}"
    if not name or len(name) > 63:
        return "name part must be non-empty" if not name else "name part must be no more than 63 bytes"
    return None if _QUALIFIED.fullmatch(name) else QUALIFIED_TEXT


def label_value_problem(value: str) -> str | None:
    """Why a label value is none.

    >>> label_value_problem("a_b"), label_value_problem("-") is None
    (None, False)
    """
    if len(value) > 63:
        return "must be no more than 63 bytes"
    return None if _VALUE.fullmatch(value) else LABEL_VALUE_TEXT


class Problems:
    """A list of causes with one method for each kind of finding.

    >>> found = Problems(); found.required("spec.containers"); found.causes[0].text
    'spec.containers: Required value'
    """

    def __init__(self) -> None:
        self.causes: list[Cause] = []

    def _add(self, field: str, reason: str, message: str) -> None:
        self.causes.append(Cause(field=field, reason=reason, message=message))

    def required(self, field: str, why: str = "") -> None:
        """Something must be there."""
        self._add(field, "FieldValueRequired", f"Required value{': ' if why else ''}{why}")

    def invalid(self, field: str, value: Any, why: str) -> None:
        """It is there and cannot be."""
        self._add(field, "FieldValueInvalid", f"Invalid value: {json.dumps(value)}: {why}")

    def unsupported(self, field: str, value: Any, supported: tuple[str, ...]) -> None:
        """It is none of the possible ones."""
        choices = ", ".join(f'"{each}"' for each in supported)
        self._add(
            field,
            "FieldValueNotSupported",
            f"Unsupported value: {json.dumps(value)}: supported values: {choices}",
        )

    def duplicate(self, field: str, value: Any) -> None:
        """It is there twice."""
        self._add(field, "FieldValueDuplicate", f"Duplicate value: {json.dumps(value)}")

    def not_found(self, field: str, value: Any) -> None:
        """It refers to nothing."""
        self._add(field, "FieldValueNotFound", f"Not found: {json.dumps(value)}")

    def forbidden(self, field: str, why: str) -> None:
        """It must not be there, or must not change."""
        self._add(field, "FieldValueForbidden", f"Forbidden: {why}")

    def too_long(self, field: str, limit: int) -> None:
        """It is longer than allowed."""
        self._add(field, "FieldValueTooLong", f"Too long: may not be more than {limit} bytes")
