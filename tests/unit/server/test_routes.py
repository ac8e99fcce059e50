"""Every method of every route wants a user and asks the authorizer; that a real server refuses is tested elsewhere."""

from __future__ import annotations

import inspect
import re
from types import SimpleNamespace

import pytest
from jupyter_server.serverapp import _has_tornado_web_authenticated
from tornado.web import RequestHandler

from sparkk8s_nb.server.routes import handlers

ROUTES = handlers("/user/ada%40example.org/", SimpleNamespace())
METHODS = [(handler, method.lower()) for _, handler, _ in ROUTES for method in handler.SUPPORTED_METHODS]


@pytest.mark.parametrize(("handler", "method"), METHODS)
def test_a_method_is_there_and_wants_a_user(handler, method):
    """Jupyter's own check; ``authorized`` is inside, so that it never meets a request without a user."""
    function = getattr(handler, method)
    assert function is not RequestHandler._unimplemented_method
    assert _has_tornado_web_authenticated(function)
    assert not hasattr(function, "__allow_unauthenticated")
    assert (
        "jupyter_server/auth/decorator" in inspect.unwrap(function, stop=_is_authorized).__code__.co_filename
    )


def _is_authorized(function):
    return "jupyter_server/auth/decorator" in function.__code__.co_filename


@pytest.mark.parametrize("handler", list(dict.fromkeys(handler for _, handler, _ in ROUTES)))
def test_two_methods_never_share_one_check(handler):
    """Jupyter's ``authorized`` keeps the action of its first request: a GET would decide for a POST."""
    functions = [getattr(handler, method.lower()) for method in handler.SUPPORTED_METHODS]
    assert len(set(functions)) == len(functions)


@pytest.mark.parametrize("handler", list(dict.fromkeys(handler for _, handler, _ in ROUTES)))
def test_no_route_has_methods_of_another_kind(handler):
    """OPTIONS would be answered to anybody."""
    assert set(handler.SUPPORTED_METHODS) <= {"GET", "HEAD", "POST"}


def test_every_route_is_under_the_servers_prefix_as_it_is_written():
    """A dot in a user's name is a dot."""
    for path, _, _ in handlers("/user/a.b/", SimpleNamespace()):
        assert path.startswith("/user/a\\.b/sparkk8s/")
        assert not re.match(path, "/user/aXb/sparkk8s/api/sessions")
