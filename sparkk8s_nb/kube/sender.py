"""Requests to one API server: sent again where the server asks for it, and their refusals as our errors."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from urllib3 import exceptions as net

from sparkk8s_nb.apiserver import Answer, Requests, Timeouts
from sparkk8s_nb.errors import ClusterError
from sparkk8s_nb.kube.translate import Asked, connect_error, error_of
from sparkk8s_nb.ports import Manifest

PATIENCE = 2
"""How often a request that the server put off (429, 503) is sent again."""


class Sender:
    """Sends requests. Thread-safe; every one is bounded by ``timeouts``.

    Parameters
    ----------
    server : str
        The API server's address, for errors.
    transport : Requests
    timeouts : Timeouts
        Seconds for a connection and for each piece of an answer.
    sleep : callable
        How to wait when the server asks for a pause; at most 2 s at a time.
    """

    def __init__(
        self,
        server: str,
        transport: Requests,
        *,
        timeouts: Timeouts,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._server = server
        self._transport = transport
        self._timeouts = timeouts
        self._sleep = sleep

    def object(self, method: str, path: str, asked: Asked, **options: Any) -> Manifest:
        """The object that is answered; any other answer is an error."""
        return self.json(self.send(method, path, asked, **options))

    def json(self, answer: Answer) -> Manifest:
        """The object in an answer."""
        try:
            result = answer.json()
        except json.JSONDecodeError as error:
            raise _no_api(self._server) from error
        if not isinstance(result, dict):
            raise _no_api(self._server)
        return result

    def send(self, method: str, path: str, asked: Asked, **options: Any) -> Answer:
        """The answer; one that says no is an error."""
        answer = self.answer(method, path, **options)
        if not answer.ok:
            raise error_of(answer, asked)
        return answer

    def answer(self, method: str, path: str, **options: Any) -> Answer:
        """An answer of whatever status; waits a little where the server asks for it."""
        for _ in range(PATIENCE):
            answer = self._once(method, path, **options)
            if answer.status not in (429, 503) or answer.retry_after is None:
                return answer
            self._sleep(min(max(answer.retry_after, 0.1), 2.0))
        return self._once(method, path, **options)

    def _once(self, method: str, path: str, *, timeouts: Timeouts | None = None, **options: Any) -> Answer:
        options["timeouts"] = timeouts or self._timeouts
        try:
            return self._transport.request(method, path, **options)
        except net.ProtocolError as error:
            # A kept connection that the server closed just now. A create may have happened: not repeated.
            if method == "POST":
                raise connect_error(error, self._server) from error
        except (net.HTTPError, OSError) as error:
            raise connect_error(error, self._server) from error
        try:
            return self._transport.request(method, path, **options)
        except (net.HTTPError, OSError) as error:
            raise connect_error(error, self._server) from error


def _no_api(server: str) -> ClusterError:
    return ClusterError(
        f"{server} answers, but not as a Kubernetes API does.",
        fix="Check the server's address in the kubeconfig; a proxy or a login page may be in between.",
    )
