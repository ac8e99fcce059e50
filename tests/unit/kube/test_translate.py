"""Every refusal says what is wrong, in the API server's words, and who can fix it."""

from __future__ import annotations

import json
import socket
import ssl
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from urllib3 import exceptions as net

from sparkk8s_nb.apiserver import Answer
from sparkk8s_nb.errors import ClusterError, ConnectError, ExpiredError, InvalidError, RefusedError
from sparkk8s_nb.kube.kinds import kind_of
from sparkk8s_nb.kube.translate import Asked, connect_error, error_of

SERVER = "https://127.0.0.1:6443"
CREATE_POD = Asked.of("create", kind_of("Pod"), "team", "p")


def refusal(status: int, message: str, **more: Any) -> ClusterError:
    body = json.dumps({"kind": "Status", "message": message, "code": status, **more}).encode()
    return error_of(Answer(status=status, body=body), CREATE_POD)


@pytest.mark.parametrize(
    ("message", "problem", "fix"),
    [
        (
            'pods is forbidden: User "ada" cannot create resource "pods" in API group "" in the namespace "team"',
            "We may not create pods p in namespace team",
            'Role in namespace team with the rule apiGroups: [""], resources: ["pods"], verbs: ["create"]',
        ),
        (
            'pods "p" is forbidden: exceeded quota: small, requested: limits.memory=8Gi, used: 0, limited: 4Gi',
            "quota does not allow it",
            "raise the quota",
        ),
        (
            'pods "p" is forbidden: maximum memory usage per Container is 1Gi, but limit is 8Gi',
            "LimitRange does not allow it",
            "--memory",
        ),
        (
            'pods "p" is forbidden: violates PodSecurity "restricted:latest": runAsNonRoot != true',
            "Pod Security level",
            "--pod-template",
        ),
        (
            "pods \"p\" is forbidden: ValidatingAdmissionPolicy 'x' with binding 'y' denied request: no such image",
            "policy of the cluster",
            "administrator",
        ),
        (
            'pods "p" is forbidden: error looking up service account team/spark: serviceaccount "spark" not found',
            "service account does not exist",
            "serviceAccountName",
        ),
        (
            'pods "p" is forbidden: no PriorityClass with name urgent was found',
            "does not have what the pod names",
            "--pod-template",
        ),
        (
            'admission webhook "policy.example.org" denied the request: no latest tags',
            "policy of the cluster",
            "administrator",
        ),
        (
            "unable to create new content in namespace team because it is being terminated",
            "being deleted",
            "--namespace",
        ),
    ],
)
def test_a_403_says_which_of_its_authors_refused(message, problem, fix):
    """RBAC, quota, limit range, Pod Security, webhook and a dying namespace all answer 403."""
    error = refusal(403, message)
    assert isinstance(error, RefusedError)
    assert problem in error.problem
    assert message.split(":")[-1].strip().rstrip(".") in error.problem
    assert fix in error.fix


def test_a_401_asks_for_a_new_login():
    """Our credentials, not our rights."""
    error = refusal(401, "Unauthorized")
    assert isinstance(error, RefusedError)
    assert "Log in" in error.fix


def test_a_422_names_each_field():
    """From the causes, not from the long message."""
    causes = [
        {"field": "spec.containers[0].image", "message": "Required value"},
        {"field": "metadata.name", "message": "Invalid value"},
    ]
    error = refusal(422, "Pod is invalid: [long]", details={"causes": causes})
    assert isinstance(error, InvalidError)
    assert "spec.containers[0].image: Required value; metadata.name: Invalid value." in error.problem


def test_a_policy_may_refuse_with_422_too():
    """It is not the field that is wrong."""
    denied = "pods \"p\" is forbidden: ValidatingAdmissionPolicy 'x' with binding 'y' denied request: no"
    assert "what the policy names" in refusal(422, denied).fix


def test_a_webhook_that_does_not_answer_is_not_the_api_server():
    """Trying again in a minute helps nobody."""
    message = (
        'Internal error occurred: failed calling webhook "w.example": Post "https://w": connection refused'
    )
    error = refusal(500, message)
    assert "A webhook of the cluster does not answer" in error.problem
    assert "webhook" in error.fix


def test_http_to_a_tls_port_is_a_matter_of_the_kubeconfig():
    """The server says so in plain text with 400."""
    answer = Answer(status=400, body=b"Client sent an HTTP request to an HTTPS server.\n")
    error = error_of(answer, CREATE_POD)
    assert isinstance(error, ConnectError)
    assert "https://" in error.fix


def test_a_410_is_an_expired_watch():
    """The watch lists again."""
    assert isinstance(refusal(410, "too old resource version"), ExpiredError)


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (net.ConnectTimeoutError(None, "timed out"), "does not answer in time"),
        (net.ReadTimeoutError(None, "/", "timed out"), "does not answer in time"),
        (net.NameResolutionError("nowhere.invalid", None, socket.gaierror()), "name is not known"),
        (
            net.SSLError("[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1006)"),
            "does not speak TLS",
        ),
        (
            net.SSLError(
                ssl.SSLCertVerificationError(
                    1,
                    "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate"
                    " (_ssl.c:1006)",
                )
            ),
            "does not trust the certificate",
        ),
        (
            net.SSLError(
                "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: certificate has expired (_ssl.c:1)"
            ),
            "out of date",
        ),
        (
            net.SSLError(
                "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: IP address mismatch (_ssl.c:1)"
            ),
            "for another name",
        ),
        (
            net.ProtocolError("Connection aborted.", ConnectionResetError(104, "reset by peer")),
            "reset by peer",
        ),
        (net.ProxyError("Unable to connect to proxy", OSError("no route")), "proxy"),
        (FileNotFoundError(2, "No such file or directory", "/s/token"), "/s/token cannot be read"),
    ],
)
def test_each_way_of_not_answering_has_its_own_words(error, says):
    """And never a traceback's."""
    found = connect_error(error, SERVER)
    assert says in found.problem
    assert "_ssl.c" not in str(found)
    assert found.fix


@given(status=st.integers(300, 599), body=st.binary(max_size=300))
def test_whatever_a_server_answers_becomes_two_lines(status, body):
    """A proxy's page, half a JSON, nothing at all."""
    error = error_of(Answer(status=status, body=body), CREATE_POD)
    assert error.problem
    assert error.fix
    assert "\n" not in error.problem
    assert "\n" not in error.fix
