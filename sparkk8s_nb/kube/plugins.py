"""Credentials that a kubeconfig leaves to a program (``exec``) or to an identity provider (``auth-provider``).

This is what we have the ``kubernetes`` package for; it is imported only when a context asks for it.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sparkk8s_nb.errors import ConnectError
from sparkk8s_nb.kube.kubeconfig import Chosen
from sparkk8s_nb.localfiles import write_private
from sparkk8s_nb.model.timestamps import epoch
from sparkk8s_nb.ports import Stop
from sparkk8s_nb.telemetry.worker import Worker

logger = logging.getLogger(__name__)

PLUGIN_SECONDS = 60.0
"""A plugin may open a browser for a login; longer than that nobody waits."""

EARLY = 60.0
"""Seconds before its end at which a token is renewed."""

RETRY_SECONDS = 30.0
"""Between two tries of a plugin that fails: it may want a login, and the network may be away."""

SHORTEST = 5.0
"""No plugin is asked more often, however short its tokens live."""

STOP_SECONDS = 1.0
"""How long a stop waits for a plugin that is being asked; the thread is a daemon."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """What a plugin gave.

    Parameters
    ----------
    token, certificate, key : str
        A bearer token, or a client certificate with its key as PEM.
    expires : float or None
        Seconds since the epoch.
    """

    token: str = field(default="", repr=False)
    certificate: str = field(default="", repr=False)
    key: str = field(default="", repr=False)
    expires: float | None = None


class RenewedToken:
    """A bearer token that is fetched again before it ends, and kept in a file for others to read.

    Parameters
    ----------
    fetch : callable
    file : Path
        Where the keeper and Spark's own client read it.
    first : Credential
    now : callable
        Seconds since the epoch.
    """

    def __init__(
        self,
        fetch: Callable[[], Credential],
        file: Path,
        first: Credential,
        *,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._fetch = fetch
        self._file = file
        self._now = now
        self._renewing = threading.Lock()
        self._credential = first
        self._failure: ConnectError | None = None
        self._rest_until = 0.0
        write_private(file, first.token)

    def seconds_left(self) -> float | None:
        """How long until it is to be renewed, 0 if that is now; None for a token without an end.

        After a plugin was asked it is left alone for a while, longer if it failed.
        """
        expires = self._credential.expires
        return None if expires is None else max(0.0, max(expires - EARLY, self._rest_until) - self._now())

    def __call__(self) -> str:
        """The token for a request that is sent now.

        One thread renews it; while it is still good the others do not wait for that.

        Raises
        ------
        ConnectError
            If it has ended and the plugin fails; the plugin is asked again after :data:`RETRY_SECONDS`.
        """
        if self.seconds_left() == 0 and self._renewing.acquire(blocking=self._ended):
            try:
                if self.seconds_left() == 0:
                    self._renew()
            finally:
                self._renewing.release()
        failure = self._failure
        if failure is not None and self._ended:
            raise ConnectError(failure.problem, fix=failure.fix) from failure
        return self._credential.token

    def refused(self, token: str) -> bool:
        """The server does not accept a token: have another one fetched, though it may not seem to have ended.

        Many plugins do not say when it ends, and a provider may take it back.

        Returns
        -------
        bool
            Whether there is another one now.
        """
        with self._renewing:
            if token == self._credential.token and self._now() >= self._rest_until:
                self._renew()
            return token != self._credential.token

    @property
    def _ended(self) -> bool:
        expires = self._credential.expires
        return expires is not None and self._now() >= expires

    def _renew(self) -> None:
        try:
            credential = self._fetch()
        except ConnectError as error:
            # Told once, however often it is tried.
            level = logging.INFO if self._failure is None else logging.DEBUG
            logger.log(level, "the token was not renewed: %s", error.problem)
            # In this order: who looks meanwhile finds either all of it or what was before.
            self._failure = error
            self._rest_until = self._now() + RETRY_SECONDS
            return
        self._credential = credential
        self._failure = None
        self._rest_until = self._now() + SHORTEST
        write_private(self._file, credential.token)


class TokenRenewal:
    """Renews a token in time though nobody sends a request: Spark's client and the keeper read its file.

    Parameters
    ----------
    token : RenewedToken
    """

    def __init__(self, token: RenewedToken) -> None:
        self._token = token
        self._worker = Worker("token", self.run, on_death=_tell_death)
        self._started = False

    def start(self) -> None:
        """Begin, if the token has an end."""
        if self._token.seconds_left() is not None:
            self._started = True
            self._worker.start()

    def stop(self) -> None:
        """End at once. Idempotent."""
        if self._started:
            self._worker.stop(timeout=STOP_SECONDS)

    def run(self, stop: Stop) -> None:
        """Until ``stop``: sleep while the token is good, then renew it; a plugin that fails is asked again."""
        while (left := self._token.seconds_left()) is not None:
            if stop.wait(max(left, SHORTEST)):
                return
            # Who sends a request is told why there is no token.
            with contextlib.suppress(ConnectError):
                self._token()


def _tell_death(error: BaseException) -> None:
    logger.error("the token is renewed no more: %s", error)


def needs_plugin(user: Mapping[str, Any]) -> bool:
    """Whether a kubeconfig's user leaves its credentials to a plugin.

    >>> needs_plugin({"exec": {"command": "aws"}}), needs_plugin({"token": "t"})
    (True, False)
    """
    return bool(user.get("exec") or user.get("auth-provider"))


def fetch_credential(chosen: Chosen, *, seconds: float = PLUGIN_SECONDS) -> Credential:
    """Ask the plugin, for at most ``seconds``.

    Raises
    ------
    ConnectError
        If it is missing, fails, or takes too long.
    """
    user = chosen.user.content
    ask = _ask_exec if user.get("exec") else _ask_provider
    outcome: list[Credential | Exception] = []

    def run() -> None:
        try:
            outcome.append(ask(chosen))
        except Exception as error:  # noqa: BLE001 (carried to the caller's thread, whatever a plugin raises)
            outcome.append(error)

    thread = threading.Thread(target=run, name="sparkk8s-credentials", daemon=True)
    thread.start()
    thread.join(seconds)
    name = _plugin_name(user)
    if not outcome:
        raise ConnectError(
            f"The credential plugin {name} gave no answer in {seconds:.0f} s.",
            fix="Log in to the cluster in a terminal (kubectl get pods), then start again.",
        )
    result = outcome[0]
    if isinstance(result, FileNotFoundError):
        hint = str((user.get("exec") or {}).get("installHint") or "").strip()
        raise ConnectError(
            f"The credential plugin {name} of the kubeconfig is not installed here.",
            fix=" ".join(hint.split()) or f"Install {name}, or use a kubeconfig with a token.",
        ) from result
    if isinstance(result, Exception):
        raise ConnectError(
            f"The credential plugin {name} fails: {' '.join(str(result).split())[:300]}",
            fix="Log in to the cluster in a terminal (kubectl get pods), then start again.",
        ) from result
    return result


def _ask_exec(chosen: Chosen) -> Credential:
    from kubernetes.config.exec_provider import ExecProvider
    from kubernetes.config.kube_config import ConfigNode

    spec = ConfigNode("exec", dict(chosen.user.content["exec"]))
    cluster = ConfigNode("cluster", dict(chosen.cluster.content))
    status = ExecProvider(spec, str(chosen.user.file.parent), cluster).run()
    return Credential(
        token=str(status.get("token") or ""),
        certificate=str(status.get("clientCertificateData") or ""),
        key=str(status.get("clientKeyData") or ""),
        expires=epoch(status.get("expirationTimestamp")) or None,
    )


def _ask_provider(chosen: Chosen) -> Credential:
    from kubernetes.client import Configuration
    from kubernetes.config.kube_config import KubeConfigLoader

    document = {
        "current-context": "it",
        "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
        "clusters": [{"name": "it", "cluster": {"server": chosen.cluster.content["server"]}}],
        "users": [{"name": "it", "user": {"auth-provider": dict(chosen.user.content["auth-provider"])}}],
    }
    configuration = Configuration()
    KubeConfigLoader(document, config_base_path=str(chosen.user.file.parent)).load_and_set(configuration)
    keys = configuration.api_key
    # The client's releases disagree on the key's name.
    token = str(keys.get("BearerToken") or keys.get("authorization") or "")
    return Credential(token=token.removeprefix("Bearer ").strip(), expires=time.time() + 600)


def _plugin_name(user: Mapping[str, Any]) -> str:
    named = (user.get("exec") or {}).get("command") or (user.get("auth-provider") or {}).get("name")
    return str(named or "in the kubeconfig")
