"""Label and field selectors, as text and as conditions. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from sparkk8s_nb.embedded.objects import Object, dig, labels_of
from sparkk8s_nb.embedded.resources import Resource
from sparkk8s_nb.embedded.status import StatusError, bad_request

Condition = Callable[[Object], bool]

_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
_KEY = rf"(?:{_NAME}/)?{_NAME}"
_IN = re.compile(rf"\s*({_KEY})\s+(in|notin)\s*\(([^()]*)\)\s*")
_EQUAL = re.compile(rf"\s*({_KEY})\s*(==|=|!=)\s*((?:[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)?)\s*")
_COMPARE = re.compile(rf"\s*({_KEY})\s*([<>])\s*(-?\d+)\s*")
_EXISTS = re.compile(rf"\s*(!?)\s*({_KEY})\s*")

LabelTest = Callable[[Mapping[str, str]], bool]


def _requirement(text: str) -> LabelTest | None:
    if found := _IN.fullmatch(text):
        key, operator, values = found[1], found[2], {each.strip() for each in found[3].split(",")}
        if operator == "in":
            return lambda labels: labels.get(key) in values
        return lambda labels: labels.get(key) not in values
    if found := _EQUAL.fullmatch(text):
        key, operator, value = found.groups()
        if operator == "!=":
            return lambda labels: labels.get(key) != value
        return lambda labels: labels.get(key) == value
    if found := _COMPARE.fullmatch(text):
        return _comparison(found[1], found[2], int(found[3]))
    if found := _EXISTS.fullmatch(text):
        negated, key = bool(found[1]), found[2]
        return lambda labels: (key in labels) != negated
    return None


def _comparison(key: str, operator: str, bound: int) -> LabelTest:
    def compare(labels: Mapping[str, str]) -> bool:
        try:
            value = int(labels.get(key, ""))
        except ValueError:
            return False
        return value > bound if operator == ">" else value < bound

    return compare


def labels(text: str) -> Condition:
    """The condition that a label selector states.

    Examples
    --------
    >>> pod = {"metadata": {"labels": {"role": "executor", "id": "3"}}}
    >>> [labels(s)(pod) for s in ("role=executor,id in (1, 3)", "id notin (3)", "!gone", "role!=x")]
    [True, False, True, True]

    Raises
    ------
    StatusError
        400 for text that is no selector.
    """
    tests: list[LabelTest] = []
    for part in _split(text):
        test = _requirement(part)
        if test is None:
            raise bad_request(f'unable to parse requirement: "{part.strip()}" in selector "{text}"')
        tests.append(test)
    return lambda obj: all(test(labels_of(obj)) for test in tests)


def _split(text: str) -> list[str]:
    return re.split(r",(?![^(]*\))", text) if text.strip() else []


def fields(text: str, resource: Resource) -> Condition:
    """The condition that a field selector states, for one kind of object.

    >>> from sparkk8s_nb.embedded.resources import PODS
    >>> fields("status.phase!=Running", PODS)({"metadata": {}, "status": {"phase": "Pending"}})
    True

    Raises
    ------
    StatusError
        400 for a field that this kind cannot be selected by.
    """
    known = {"metadata.name", *resource.fields}
    if resource.namespaced:
        known.add("metadata.namespace")
    tests: list[tuple[str, bool, str]] = []
    for part in _split(text):
        found = re.fullmatch(r"\s*([\w.]+)\s*(==|=|!=)\s*(.*?)\s*", part)
        if found is None:
            raise bad_request(f"invalid selector: '{text}'; can't understand '{part.strip()}'")
        field, operator, value = found.groups()
        if field not in known:
            raise bad_request(
                f"field label not supported: {field}"
                if resource.fields
                else f'"{field}" is not a known field selector: only "metadata.name", "metadata.namespace"'
            )
        tests.append((field, operator != "!=", value))
    return lambda obj: all((_field(obj, field) == value) == wanted for field, wanted, value in tests)


def _field(obj: Object, field: str) -> str:
    if field == "source":
        return str(dig(obj, "source", "component") or obj.get("reportingComponent") or "")
    if field.startswith("regarding."):
        field = field.replace("regarding.", "involvedObject.", 1)
    value: Any = dig(obj, *field.split("."))
    if field == "spec.hostNetwork":
        value = bool(value)
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def both(label_text: str, field_text: str, resource: Resource) -> Condition | None:
    """Both selectors of a request as one condition; None where nothing is selected.

    Raises
    ------
    StatusError
        400 for text that is no selector.
    """
    conditions = []
    if label_text.strip():
        conditions.append(labels(label_text))
    if field_text.strip():
        conditions.append(fields(field_text, resource))
    if not conditions:
        return None
    if len(conditions) == 1:
        return conditions[0]
    return lambda obj: all(condition(obj) for condition in conditions)


def matches(selector: Mapping[str, Any] | None, of: Mapping[str, str]) -> bool:
    """Whether labels fit a ``metav1.LabelSelector`` (matchLabels and matchExpressions).

    >>> matches({"matchExpressions": [{"key": "a", "operator": "Exists"}]}, {"a": "1"})
    True
    """
    selector = selector or {}
    wanted = selector.get("matchLabels") or {}
    if any(of.get(key) != value for key, value in wanted.items()):
        return False
    return all(expression(each, of) for each in selector.get("matchExpressions") or [])


def expression(requirement: Mapping[str, Any], of: Mapping[str, str]) -> bool:
    """Whether labels fit one requirement ``{key, operator, values}`` (also of a node selector)."""
    key, values = str(requirement.get("key")), requirement.get("values") or []
    match requirement.get("operator"):
        case "In":
            return of.get(key) in values
        case "NotIn":
            return of.get(key) not in values
        case "Exists":
            return key in of
        case "DoesNotExist":
            return key not in of
        case "Gt" | "Lt" as operator if values and str(values[0]).lstrip("-").isdigit():
            return _comparison(key, ">" if operator == "Gt" else "<", int(values[0]))(of)
    return False


__all__ = ["Condition", "StatusError", "both", "expression", "fields", "labels", "matches"]
