"""Talking HTTPS to the API server: proxies, tokens, streams."""

from __future__ import annotations

import socket
import threading

import pytest
import urllib3

from sparkk8s_nb import apiserver
from sparkk8s_nb.apiserver import ApiServer, Timeouts
from sparkk8s_nb.model.spec import ClusterAccess


def serve(*pieces: bytes):
    """A server that answers one connection with those bytes; gives its port and what it was sent."""
    listener = socket.create_server(("127.0.0.1", 0))
    heard: list[bytes] = []

    def work() -> None:
        connection, _ = listener.accept()
        with connection, listener:
            heard.append(connection.recv(65536))
            for piece in pieces:
                connection.sendall(piece)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return listener.getsockname()[1], heard, thread


def test_lines_come_whole_however_they_are_cut(tmp_path):
    """A chunk may end inside a character, a line inside a chunk."""
    text = '{"a": "é"}\n\n{"b": 2}\nrest'.encode()
    chunks = [b"%x\r\n%s\r\n" % (1, text[i : i + 1]) for i in range(len(text))]
    port, heard, thread = serve(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", *chunks, b"0\r\n\r\n"
    )
    api = ApiServer(ClusterAccess(server=f"http://127.0.0.1:{port}/prefix/", token="t"))
    stream = api.stream("/api/v1/pods", query={"watch": "true"}, timeouts=Timeouts())
    assert list(stream.lines()) == ['{"a": "é"}'.encode(), b'{"b": 2}', b"rest"]
    stream.shut()
    stream.close()
    stream.shut()
    api.close()
    thread.join(5)
    assert heard[0].startswith(b"GET /prefix/api/v1/pods?watch=true ")
    assert b"Authorization: Bearer t\r\n" in heard[0]


def test_an_answer_of_any_status_is_an_answer():
    """With the pause that the server asks for; redirects are not followed with our token."""
    port, _, thread = serve(
        b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nRetry-After: 3\r\nContent-Length: 2\r\n\r\n{}"
    )
    api = ApiServer(ClusterAccess(server=f"http://127.0.0.1:{port}"))
    answer = api.request("POST", "/x", body={"a": 1})
    assert (answer.status, answer.ok, answer.retry_after, answer.json()) == (302, False, 3.0, {})
    api.close()
    thread.join(5)


@pytest.mark.parametrize(
    ("server", "environ", "proxy"),
    [
        ("https://k8s.example:6443", {"HTTPS_PROXY": "http://p:1"}, "http://p:1"),
        ("https://k8s.example:6443", {"HTTPS_PROXY": "http://p:1", "NO_PROXY": ".example"}, ""),
        ("https://k8s.example:6443", {"HTTP_PROXY": "http://p:1"}, ""),
        ("https://127.0.0.1:6443", {"HTTPS_PROXY": "http://p:1"}, ""),
        ("https://localhost:6443", {"HTTPS_PROXY": "http://p:1"}, ""),
        ("https://[::1]:6443", {"HTTPS_PROXY": "http://p:1"}, ""),
    ],
)
def test_the_environment_s_proxy_is_used_but_never_for_this_machine(monkeypatch, server, environ, proxy):
    """As kubectl does."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert apiserver._proxy_of_environment(server) == proxy


def test_a_proxy_of_the_kubeconfig_wins(monkeypatch):
    """proxy-url."""
    monkeypatch.setenv("HTTPS_PROXY", "http://other:1")
    api = ApiServer(ClusterAccess(server="https://k8s.example", proxy="http://p:1"))
    assert isinstance(api._pool, urllib3.ProxyManager)
    assert api._pool.proxy.host == "p"


def test_certificates_that_are_none_are_refused_at_once(tmp_path):
    """Not with the first request."""
    (tmp_path / "ca").write_text("nothing")
    with pytest.raises(OSError):
        ApiServer(ClusterAccess(server="https://127.0.0.1:1", ca_file=tmp_path / "ca"))


def test_a_request_whose_token_is_refused_is_sent_once_more_with_another():
    """If there is one: otherwise the refusal is the answer."""
    refusal = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    tokens, told = iter(["old", "new"]), []
    port, heard, thread = serve(refusal)
    api = ApiServer(
        ClusterAccess(server=f"http://127.0.0.1:{port}"),
        token=lambda: next(tokens),
        refused=lambda token: told.append(token) or False,
    )
    assert api.request("GET", "/x").status == 401
    thread.join(5)
    assert (told, len(heard)) == (["old"], 1)
    api.close()


def test_the_second_try_has_the_new_token(monkeypatch):
    """And is the last one."""
    sent = []

    class Pool:
        def request(self, method, url, *, headers, **others):
            sent.append(headers["Authorization"])
            return urllib3.HTTPResponse(status=401, body=b"", headers={})

    tokens = iter(["old", "new"])
    api = ApiServer(
        ClusterAccess(server="http://127.0.0.1:1"), token=lambda: next(tokens), refused=lambda token: True
    )
    monkeypatch.setattr(api, "_pool", Pool())
    assert api.request("GET", "/x").status == 401
    assert sent == ["Bearer old", "Bearer new"]
