"""The signature that the Spark UI asks for: a JWS (RFC 7515) with HMAC-SHA256, in compact form.

Measured with Spark 4.3 (``org.apache.spark.ui.JWSFilter`` on jjwt 0.13): the key is what its text decodes
to as base64url, with or without padding; any JSON object will do as claims; ``exp`` and ``nbf`` are kept to
without any tolerance, ``iat`` is not looked at; ``typ`` may be there or not; every other algorithm is
refused.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
from collections.abc import Mapping

from sparkk8s_nb.errors import SessionError

KEY_BYTES = 32
"""HS256 wants a key that is as long as its hash; Spark's filter refuses to start with less."""

LIFE_SECONDS = 60
"""How long a signature holds. Signer and UI share a clock, and every request is signed anew."""

_HEADER = {"alg": "HS256"}
_BASE64URL = re.compile(r"[A-Za-z0-9_-]*")


def decode_key(text: str) -> bytes:
    """The key from the text that stands in the session's key file.

    Raises
    ------
    SessionError
        If it is not base64url or too short. The text is not repeated: it is a secret.

    Examples
    --------
    >>> decode_key("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=") == bytes(range(32))
    True
    """
    bare = text.strip().rstrip("=")
    if not _BASE64URL.fullmatch(bare):  # the decoder takes + and / as well, Spark's does not
        raise _unusable()
    try:
        key = base64.urlsafe_b64decode(bare + "=" * (-len(bare) % 4))
    except binascii.Error as error:
        raise _unusable() from error
    if len(key) < KEY_BYTES:
        raise _unusable()
    return key


def sign(key: bytes, claims: Mapping[str, str | int]) -> str:
    """A compact JWS over ``claims``.

    Examples
    --------
    >>> sign(bytes(32), {"exp": 1700000000}).split(".")[0]
    'eyJhbGciOiJIUzI1NiJ9'
    """
    signed = f"{_part(_compact(_HEADER))}.{_part(_compact(claims))}"
    return f"{signed}.{_part(hmac.digest(key, signed.encode(), hashlib.sha256))}"


def authorization(key: bytes, *, now: float) -> str:
    """The value of the ``Authorization`` header for one request.

    Parameters
    ----------
    key : bytes
    now : float
        Seconds since the epoch; it holds for :data:`LIFE_SECONDS` from then.
    """
    return f"Bearer {sign(key, {'exp': int(now) + LIFE_SECONDS})}"


def _compact(value: Mapping[str, str | int]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _part(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _unusable() -> SessionError:
    return SessionError(
        "The key of this session's Spark UI cannot be used.",
        fix="Restart the session: %sparkk8s start --restart.",
    )
