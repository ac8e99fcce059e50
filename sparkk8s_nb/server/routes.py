"""The routes that the extension adds to Jupyter's server.

====================================  ==========================================================================
``api/sessions``                      ``GET``: this user's sessions in this server's kernels
``api/namespace``                     ``GET``: the other sessions of the namespace, other users' too
``api/history``                       ``GET``: event logs of sessions that have stopped
``api/kernels/{kernel}/actions``      ``POST``: an action for a session in a kernel that is busy
``ui/{session}/...``                  the Spark UI of a session
``past/{application}/``               leads to the UI of a session that has stopped
``past/...``                          that UI, from the history server
====================================  ==========================================================================

Every method wants Jupyter's authentication and asks Jupyter's authorizer (resource ``sparkk8s``: ``read`` for
``GET`` and ``HEAD``, ``write`` for ``POST`` and for whatever ends a job). Every ``POST`` wants Jupyter's XSRF
token, or to be a form of the Spark UI's own page, which has a token of Spark's. There is no ``OPTIONS``.
"""

from __future__ import annotations

import re
from typing import Any

from jupyter_server.utils import url_path_join
from tornado.web import RequestHandler

from sparkk8s_nb.server.api_handlers import Actions, History, Namespace, Sessions
from sparkk8s_nb.server.page_handlers import PastEntry, PastUi, SparkUi
from sparkk8s_nb.server.service import PREFIX, Service


def handlers(base_url: str, service: Service) -> list[tuple[str, type[RequestHandler], dict[str, Any]]]:
    """All routes, for tornado.

    Parameters
    ----------
    base_url : str
        The server's own, with ``/`` at both ends.
    service : Service
    """
    base = re.escape(url_path_join(base_url, PREFIX))
    routes: list[tuple[str, type[RequestHandler]]] = [
        (r"/api/sessions", Sessions),
        (r"/api/namespace", Namespace),
        (r"/api/history", History),
        (r"/api/kernels/([0-9a-zA-Z_-]+)/actions", Actions),
        (r"/ui/([^/]+)(/.*)?", SparkUi),
        (r"/past/((?:spark|local|app)-[0-9A-Za-z_-]+)/?", PastEntry),
        (r"/past(/.*)?", PastUi),
    ]
    return [(base + path, handler, {"service": service}) for path, handler in routes]
