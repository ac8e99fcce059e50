"""Puts the built JupyterLab extension into the wheel, where it was built (`make labextension`).

Building it takes Node; installing from source must not. So a wheel that is built without it lacks the side
panel, and says so; `make wheel` builds both, and the tests look at what came out. An editable install never
takes a copy, which would only go stale: `make labextension` puts a link beside it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

BUILT = "sparkk8s_nb/labextension"
INSTALLED = "share/jupyter/labextensions/sparkk8s-nb"


class LabextensionHook(BuildHookInterface[Any]):
    """Adds the built extension to the files of a wheel or of a source distribution."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add it, if it is there; a missing one is told to whoever builds."""
        built = Path(self.root) / BUILT
        if version == "editable":
            return
        if not (built / "package.json").is_file():
            self.app.display_warning("The JupyterLab panel is not built and left out: make labextension")
            return
        if self.target_name == "wheel":
            build_data["shared_data"][str(built)] = INSTALLED
        else:
            build_data["artifacts"].append(f"/{BUILT}")
