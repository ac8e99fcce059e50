"""``%sparkk8s conf``: what is in effect, where it comes from, and what can be changed now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sparkk8s_nb.errors import UsageError
from sparkk8s_nb.model.confs import CONFS_OF_OPTIONS, is_secret
from sparkk8s_nb.model.options import Applies, Option, option_named
from sparkk8s_nb.model.quantities import parse_count
from sparkk8s_nb.model.settings import HIDDEN, SettingRow, Settings
from sparkk8s_nb.session.session import Session

NOT_SAVED = "(not shown in a notebook)"
"""In place of what names a cluster: a notebook is saved, and shared."""


def conf_table(
    settings: Settings, session: Session | None, key: str = "", *, saved: bool = False
) -> list[dict[str, str]]:
    """All settings, or one, as rows for people; ``saved`` where a notebook keeps what is shown."""
    effective = effective_values(session) if session is not None else {}
    rows = [settings.row(key, effective)] if key else list(settings.table(effective))
    return [_shown(row, saved=saved) for row in rows]


def effective_values(session: Session) -> Mapping[str, object]:
    """What a running session has made of settings that are computed at its start."""
    spec = session.spec
    return {
        "executors": spec.executors,
        "cores": spec.executor.cores,
        "memory": spec.executor.memory,
        "driver_memory": spec.driver_memory,
        "image": spec.image,
        "namespace": spec.target.namespace,
        "context": spec.target.context,
        "disk": spec.executor.disk,
    }


def change_conf(session: Session, key: str, value: str) -> str:
    """Change a setting of the running session, if that can be done now; returns what to say.

    Raises
    ------
    UsageError
        If it takes a new start; the fix is the line for it.
    """
    option = option_named(CONFS_OF_OPTIONS.get(key, key))
    if option is not None and option.key == "executors":
        count = parse_count(value, option=f"{key}=", example="4", what="number of executors")
        session.scale(count)
        return f"Scaling to {count} executors."
    if option is not None and option.key == "progress":
        session.show_progress(bool(option.kind.read(value, f"{key}=")))
        return f"progress = {value}, from the next cell on."
    if option is not None:
        raise UsageError(
            f"{key} cannot be changed while the session runs.", fix=f"Start anew: {_anew(option, key, value)}"
        )
    spark: Any = session.spark
    shown = HIDDEN if is_secret(key) else value
    if not spark.conf.isModifiable(key):
        raise UsageError(
            f"The conf {key} cannot be changed while the session runs.",
            fix=f"Start anew: %sparkk8s start --restart --conf {key}={shown}",
        )
    spark.conf.set(key, value)
    return f"{key} = {shown}, from now on."


def _anew(option: Option, key: str, value: str) -> str:
    """The line that starts with another value; what has no flag is said as Spark's conf, or in a file."""
    restart = "%sparkk8s start --restart"
    if option.flags:
        long = next((flag for flag in option.flags if flag.startswith("--")), option.flags[0])
        return f"{restart} {long} {value}"
    conf = (
        key if key.startswith("spark.") else next(k for k, o in CONFS_OF_OPTIONS.items() if o == option.key)
    )
    return f"{restart} --conf {conf}={value}"


def _shown(row: SettingRow, *, saved: bool) -> dict[str, str]:
    origin = f"{row.origin} (locked)" if row.locked else row.origin
    when = "now" if row.applies is Applies.NOW else "at restart"
    value = NOT_SAVED if saved and row.private and row.value else row.value
    return {"setting": row.key, "value": value, "origin": origin, "changes": when}
