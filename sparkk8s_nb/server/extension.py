"""The extension of Jupyter's server: adds our routes, tells kernels of them, and looks after dead sessions.

Jupyter's server imports this module; nothing else does. A fault in it leaves the server as it was without us.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from jupyter_server.utils import url_path_join

from sparkk8s_nb.model.paths import runtime_dir, state_dir
from sparkk8s_nb.server.routes import handlers
from sparkk8s_nb.server.service import PREFIX, Service
from sparkk8s_nb.server.sweeping import LOOK_SECONDS, Sweeper
from sparkk8s_nb.server.ui_link import SERVER_VARIABLE

FIRST_LOOK_SECONDS = 5.0
"""After the server is up: a start is not the moment for other work."""


def load(serverapp: Any) -> None:
    """Add the routes to a server.

    Parameters
    ----------
    serverapp : ServerApp
    """
    runtime = runtime_dir(os.environ, os.getuid())
    service = Service(
        kernels=serverapp.kernel_manager,
        notebooks=serverapp.session_manager,
        runtime=runtime,
        state=state_dir(os.environ, Path.home()),
    )
    serverapp.web_app.add_handlers(".*$", handlers(serverapp.base_url, service))
    # Kernels inherit it: their links to the Spark UI lead through this server.
    os.environ[SERVER_VARIABLE] = url_path_join(serverapp.base_url, PREFIX)
    _look_after(serverapp, Sweeper(runtime, os.environ, serverapp.log))


def _look_after(serverapp: Any, sweeper: Sweeper) -> None:
    """Look now and then, by the server's own loop: between two looks there is nothing that a stop must end."""
    loop = serverapp.io_loop
    pause = LOOK_SECONDS

    async def look() -> None:
        nonlocal pause
        try:
            pause = await sweeper.look(pause)
        except Exception:  # whatever it is, a fault of ours must not end the looking, nor pass in silence
            serverapp.log.exception("sparkk8s_nb: the look for dead sessions failed")
        loop.call_later(pause, look)

    loop.call_later(FIRST_LOOK_SECONDS, look)


_load_jupyter_server_extension = load
