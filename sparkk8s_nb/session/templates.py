"""Reading pod templates, the administrator's and the user's, before anything is made."""

from __future__ import annotations

from pathlib import Path

import yaml

from sparkk8s_nb.errors import UsageError
from sparkk8s_nb.model.manifests import CONTAINER
from sparkk8s_nb.model.podmerge import Json, read_template

EXAMPLE = "Give a YAML file with kind: Pod and a spec."


def load_template(path: Path) -> Json:
    """Read a pod template.

    Raises
    ------
    UsageError
        If there is none, it cannot be read, or it is no pod.
    """
    try:
        content = yaml.safe_load(path.expanduser().read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UsageError(f"There is no pod template {path}.", fix=EXAMPLE) from error
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise UsageError(f"The pod template {path} cannot be read: {reason}.", fix=EXAMPLE) from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark is not None else ""
        problem = getattr(error, "problem", None) or "no YAML"
        raise UsageError(f"The pod template {path} is malformed{where}: {problem}.", fix=EXAMPLE) from error
    return read_template(content, str(path), CONTAINER)
