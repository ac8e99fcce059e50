"""The API server's answers and the network's failures, as our errors: what is wrong, who can fix it."""

from __future__ import annotations

import json
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from urllib3 import exceptions as net

from sparkk8s_nb.apiserver import Answer
from sparkk8s_nb.errors import (
    ClusterError,
    ConflictError,
    ConnectError,
    ExpiredError,
    InvalidError,
    NotFoundError,
    RefusedError,
)
from sparkk8s_nb.kube.kinds import Kind
from sparkk8s_nb.model.rights import role_rule

QUOTA_FIX = (
    "Ask for fewer or smaller executors (-n, --cores, --memory), or have the administrator raise the quota."
)

_DENIED = re.compile(r"admission webhook|denied (the )?request")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What was asked of the API server, in the words of RBAC.

    Parameters
    ----------
    verb : str
        ``create``, ``deletecollection``.
    resource : str
        ``pods``, ``pods/log``.
    group : str
    namespace, name : str
    """

    verb: str
    resource: str
    group: str = ""
    namespace: str = ""
    name: str = ""

    @classmethod
    def of(cls, verb: str, kind: Kind, namespace: str, name: str = "", subresource: str = "") -> Asked:
        """Built from a kind."""
        resource = f"{kind.plural}/{subresource}" if subresource else kind.plural
        where = namespace if kind.namespaced else ""
        return cls(verb=verb, resource=resource, group=kind.group, namespace=where, name=name)

    def __str__(self) -> str:
        name = f" {self.name}" if self.name else ""
        where = f" in namespace {self.namespace}" if self.namespace else ""
        return f"{self.verb} {self.resource}{name}{where}"

    @property
    def rule(self) -> str:
        """The Role's rule that allows it."""
        return role_rule(self.resource, [self.verb], self.group)


def error_of(answer: Answer, asked: Asked) -> ClusterError:
    r"""The error for an answer that is not a success.

    Examples
    --------
    >>> body = b'{"kind": "Status", "message": "pods \\"p\\" not found", "reason": "NotFound"}'
    >>> error_of(Answer(status=404, body=body), Asked(verb="get", resource="pods", name="p"))
    NotFoundError('get pods p: pods "p" not found.', 'Check the name with kubectl get pods.')
    """
    status = status_of(answer.body)
    message = str(status.get("message") or "").strip() or f"HTTP status {answer.status}"
    if answer.status == 401:
        return RefusedError(
            f"The API server does not accept our credentials: {_sentence(message)}",
            fix="Log in to the cluster again: the kubeconfig's token or certificate may have expired.",
        )
    if answer.status == 403:
        return _forbidden(message, status, asked)
    problem = f"{asked}: {_sentence(message)}"
    if answer.status == 404:
        return NotFoundError(problem, fix=_missing_fix(message, asked))
    if answer.status == 409:
        return ConflictError(problem, fix="Run the command again: somebody else was faster.")
    if answer.status == 410:
        return ExpiredError(problem, fix="Nothing to do: the list is read anew.")
    if answer.status == 400 and "HTTP request to an HTTPS server" in message:
        return ConnectError(
            "The API server speaks TLS, and the kubeconfig says http.",
            fix="Write server: https://... in the kubeconfig.",
        )
    if answer.status in (400, 422):
        return InvalidError(f"{asked}: {_sentence(_causes(status) or message)}", fix=_invalid_fix(message))
    if answer.status >= 500 and "failed calling webhook" in message:
        return ClusterError(
            f"A webhook of the cluster does not answer, without which it takes nothing: {_sentence(message)}",
            fix="Have the administrator look after that webhook.",
        )
    if answer.status == 429 or answer.status >= 500:
        return ClusterError(problem, fix="The API server is overloaded or ill: try again in a minute.")
    return ClusterError(problem, fix="Ask the cluster's administrator: the API server did not expect this.")


def connect_error(error: BaseException, server: str) -> ConnectError:
    """The error for a request that got no answer."""
    plain = _innermost(error)
    if isinstance(plain, (ssl.SSLError, net.SSLError, ssl.CertificateError)):
        return _tls_error(plain, server)
    if isinstance(plain, OSError) and plain.filename:
        return ConnectError(
            f"The credentials in {plain.filename} cannot be read: {plain.strerror}.",
            fix="Log in to the cluster again, or make the file readable for you.",
        )
    if isinstance(plain, net.NameResolutionError):
        return ConnectError(
            f"The API server's name is not known here: {server}.",
            fix="Check the server's address in the kubeconfig, and the VPN or network it needs.",
        )
    if isinstance(plain, (net.TimeoutError, TimeoutError)):
        return ConnectError(
            f"The API server {server} does not answer in time.",
            fix="Check that the cluster runs, and the VPN or network it needs.",
        )
    if isinstance(plain, ConnectionRefusedError) or "refused" in str(plain).lower():
        return ConnectError(
            f"Nothing listens at {server}: the connection is refused.",
            fix="Check that the cluster runs, and the server's address in the kubeconfig.",
        )
    if isinstance(plain, net.ProxyError):
        return ConnectError(
            f"The proxy on the way to {server} fails: {_sentence(str(plain))}",
            fix="Check HTTPS_PROXY and NO_PROXY, or proxy-url in the kubeconfig.",
        )
    return ConnectError(
        f"The connection to the API server {server} fails: {_sentence(str(plain) or type(plain).__name__)}",
        fix="Check that the cluster runs, and the VPN or network it needs.",
    )


def status_of(body: bytes) -> Mapping[str, Any]:
    """The Status object in an answer's body; one with only a message if the body is something else."""
    text = body.decode("utf-8", "replace").strip()
    try:
        status = json.loads(text)
    except ValueError:
        status = None
    if isinstance(status, dict):
        return status
    first = text.splitlines()[0][:200] if text and not text.startswith("<") else ""
    return {"message": first}


def _forbidden(message: str, status: Mapping[str, Any], asked: Asked) -> RefusedError:
    """403 has many authors: RBAC, quota, limit ranges, Pod Security, webhooks, a dying namespace."""
    said = re.sub(r"^error when .*?: ", "", message)
    if "exceeded quota" in said or "failed quota" in said:
        return RefusedError(f"The namespace's quota does not allow it: {_sentence(said)}", fix=QUOTA_FIX)
    if _cause_is(status, "NamespaceTerminating") or "it is being terminated" in said:
        return RefusedError(
            f"The namespace {asked.namespace} is being deleted: {_sentence(said)}",
            fix="Choose another with --namespace, or wait until it is gone and have it made again.",
        )
    if re.search(r"(maximum|minimum) (cpu|memory|\S*storage) usage per|limit to request ratio", said):
        return RefusedError(
            f"The namespace's LimitRange does not allow it: {_sentence(said)}",
            fix="Choose --cores and --memory within it, or have the administrator change it.",
        )
    if "PodSecurity" in said:
        return RefusedError(
            f"The namespace's Pod Security level does not allow the pod: {_sentence(said)}",
            fix="Remove from your --pod-template what it names, or have the administrator change the level.",
        )
    if "error looking up service account" in said:
        return RefusedError(
            f"The pod's service account does not exist: {_sentence(said)}",
            fix="Name one that does in the pod template (serviceAccountName), or have the administrator make it.",
        )
    if _DENIED.search(said):
        return RefusedError(
            f"A policy of the cluster denies it: {_sentence(said)}",
            fix="Change what the policy names, or ask the cluster's administrator.",
        )
    if re.search(r"no PriorityClass with name|RuntimeClass .* not found", said):
        return RefusedError(
            f"The cluster does not have what the pod names: {_sentence(said)}",
            fix="Name another in the pod template (--pod-template), or have the administrator make it.",
        )
    where = f"in namespace {asked.namespace}" if asked.namespace else "(a ClusterRole)"
    return RefusedError(
        f"We may not {asked}: {_sentence(said)}",
        fix=f"Ask the administrator for a Role {where} with the rule {asked.rule}.",
    )


def _tls_error(error: BaseException, server: str) -> ConnectError:
    text = str(error)
    if "WRONG_VERSION_NUMBER" in text or "HTTP_REQUEST" in text:
        return ConnectError(
            f"{server} does not speak TLS.",
            fix="Check the server's address in the kubeconfig: the port, and http or https.",
        )
    if re.search(r"hostname|IP address|doesn't match|not valid for", text):
        return ConnectError(
            f"The certificate of {server} is for another name: {_sentence(_tls_reason(text))}",
            fix="Use the name that the certificate has, or set tls-server-name in the kubeconfig.",
        )
    if "certificate has expired" in text or "not yet valid" in text:
        return ConnectError(
            f"The certificate of {server} is out of date: {_sentence(_tls_reason(text))}",
            fix="Have the administrator renew it; if only your clock is wrong, set it.",
        )
    if "CERTIFICATE_VERIFY_FAILED" in text:
        return ConnectError(
            f"The kubeconfig does not trust the certificate of {server}: {_sentence(_tls_reason(text))}",
            fix="Get the cluster's kubeconfig anew: its certificate-authority belongs to another cluster.",
        )
    return ConnectError(
        f"No TLS connection to {server}: {_sentence(_tls_reason(text))}",
        fix="Check the client certificate in the kubeconfig, and the server's address.",
    )


def _tls_reason(text: str) -> str:
    """OpenSSL's reason without its source file: ``certificate verify failed: self-signed certificate``."""
    found = re.search(r"\] (.*?)(?: \(_ssl\.c:\d+\))", text)
    return found.group(1) if found else text


def _innermost(error: BaseException) -> BaseException:
    """The failure that urllib3 wrapped: its wrapper carries the address, not the cause."""
    if isinstance(error, net.MaxRetryError) and error.reason is not None:
        return _innermost(error.reason)
    if isinstance(error, (net.NewConnectionError, net.ProtocolError)) and not isinstance(
        error, net.NameResolutionError
    ):
        inner = error.__cause__ or (error.args[-1] if error.args else None)
        return inner if isinstance(inner, BaseException) else error
    return error


def _causes(status: Mapping[str, Any]) -> str:
    """``spec.image: Required value; ...`` from the details of a 422."""
    details = status.get("details")
    causes = details.get("causes") if isinstance(details, dict) else None
    parts = [
        f"{cause['field']}: {cause.get('message', '')}".rstrip(": ")
        for cause in causes or []
        if isinstance(cause, dict) and cause.get("field")
    ]
    return "; ".join(dict.fromkeys(parts))


def _cause_is(status: Mapping[str, Any], reason: str) -> bool:
    details = status.get("details")
    causes = details.get("causes") if isinstance(details, dict) else None
    return any(isinstance(cause, dict) and cause.get("reason") == reason for cause in causes or [])


def _missing_fix(message: str, asked: Asked) -> str:
    if re.search(r'namespaces? "?[\w.-]+"? not found', message):
        return "Name a namespace that exists with --namespace, or have the administrator make it."
    if "could not find the requested resource" in message:
        return "The cluster is too old for this: Kubernetes 1.21 or newer is needed."
    return f"Check the name with kubectl get {asked.resource.partition('/')[0]}."


def _invalid_fix(message: str) -> str:
    if _DENIED.search(message):
        return "Change what the policy names, or ask the cluster's administrator."
    return "Change the option or the --pod-template that sets this field."


def _sentence(text: str) -> str:
    """One line that ends with a full stop."""
    line = " ".join(text.split())
    return line if line.endswith((".", "!", "?")) else f"{line}."
