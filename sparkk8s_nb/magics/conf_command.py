"""``%sparkk8s conf``: what is in effect, where it comes from, and what can be changed now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sparkk8s_nb.errors import UsageError
from sparkk8s_nb.model.options import Applies, option_named
from sparkk8s_nb.model.quantities import parse_count
from sparkk8s_nb.model.settings import SettingRow, Settings
from sparkk8s_nb.session.session import Session


def conf_table(settings: Settings, session: Session | None, key: str = "") -> list[dict[str, str]]:
    """All settings, or one, as rows for people."""
    effective = effective_values(session) if session is not None else {}
    rows = [settings.row(key, effective)] if key else list(settings.table(effective))
    return [_shown(row) for row in rows]


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
    option = option_named(key)
    if option is not None and option.key == "executors":
        session.scale(parse_count(value, option=key, example="4", what="number of executors"))
        return f"Scaling to {value} executors."
    if option is not None:
        flag = option.flags[-1] if option.flags else f"--conf {key}="
        raise UsageError(
            f"{key} cannot be changed while the session runs.",
            fix=f"Start anew: %sparkk8s start --restart {flag} {value}",
        )
    spark: Any = session.spark
    if not spark.conf.isModifiable(key):
        raise UsageError(
            f"The conf {key} cannot be changed while the session runs.",
            fix=f"Start anew: %sparkk8s start --restart --conf {key}={value}",
        )
    spark.conf.set(key, value)
    return f"{key} = {value}, from now on."


def _shown(row: SettingRow) -> dict[str, str]:
    origin = f"{row.origin} (locked)" if row.locked else row.origin
    when = "now" if row.applies is Applies.NOW else "at restart"
    return {"setting": row.key, "value": row.value, "origin": origin, "changes": when}
