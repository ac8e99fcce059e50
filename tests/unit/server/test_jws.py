"""The signature that Spark's filter asks for."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json

import pytest

from sparkk8s_nb.errors import SessionError
from sparkk8s_nb.server.jws import LIFE_SECONDS, authorization, decode_key, sign

KEY = bytes(range(32))
TEXT = base64.urlsafe_b64encode(KEY).decode()


def part(text):
    """What stands in one part of a compact JWS."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def test_a_key_is_what_its_text_decodes_to():
    """With padding, without, and with the newline of a file."""
    assert decode_key(TEXT) == decode_key(TEXT.rstrip("=")) == decode_key(TEXT + "\n") == KEY


@pytest.mark.parametrize("text", ["", "short", "AAAA" * 10, "~" * 44, "+/" * 22, "A" * 45])
def test_a_key_that_cannot_be_is_refused_and_not_repeated(text):
    """The text is a secret even when it is wrong."""
    with pytest.raises(SessionError) as caught:
        decode_key(text)
    assert not text or text not in str(caught.value)


def test_a_signature_is_the_compact_form_of_rfc_7515():
    """Header, claims and MAC, base64url without padding; the MAC covers the first two as they stand."""
    header, claims, mac = sign(KEY, {"exp": 12}).split(".")
    assert json.loads(part(header)) == {"alg": "HS256"}
    assert json.loads(part(claims)) == {"exp": 12}
    assert part(mac) == hmac.new(KEY, f"{header}.{claims}".encode(), hashlib.sha256).digest()


def test_a_request_is_signed_for_a_minute():
    """A signature that leaks is of little use."""
    scheme, _, token = authorization(KEY, now=1000.7).partition(" ")
    assert scheme == "Bearer"
    assert json.loads(part(token.split(".")[1])) == {"exp": 1000 + LIFE_SECONDS}
