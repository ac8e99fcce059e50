"""The user's variables ``spark`` and ``sc``: set only where they are free, or ours."""

from __future__ import annotations

from typing import Any

NAMES = ("spark", "sc")


class Namespace:
    """The user namespace of a shell.

    Examples
    --------
    >>> variables = {"sc": "mine"}
    >>> Namespace(variables).offer({"spark": 1, "sc": 2})
    ['sc']
    >>> variables
    {'sc': 'mine', 'spark': 1}
    """

    def __init__(self, variables: dict[str, Any]) -> None:
        self._variables = variables
        self._ours: dict[str, Any] = {}

    def offer(self, values: dict[str, Any]) -> list[str]:
        """Set the names that are free or were set by us; returns those that are the user's own."""
        taken = []
        for name, value in values.items():
            if self._free(name):
                self._variables[name] = self._ours[name] = value
            else:
                taken.append(name)
        return taken

    def withdraw(self) -> None:
        """Take back what is still ours."""
        for name, value in self._ours.items():
            if self._variables.get(name) is value:
                del self._variables[name]
        self._ours.clear()

    def _free(self, name: str) -> bool:
        if name not in self._variables or self._variables[name] is None:
            return True
        current = self._variables[name]
        if name in self._ours and current is self._ours[name]:
            return True
        return _is_stopped_spark(current)


def _is_stopped_spark(value: object) -> bool:
    """A SparkSession or SparkContext whose JVM is gone is of no use to anybody."""
    context = getattr(value, "_sc", value)
    return type(context).__name__ == "SparkContext" and getattr(context, "_jsc", 0) is None
