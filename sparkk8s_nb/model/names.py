"""Names that Kubernetes accepts, made from names that people give; and checks of names people give.

Kubernetes' rules, from its documentation "Object Names and IDs" and "Labels and Selectors":

* a *label value* has at most 63 of ``A-Z a-z 0-9 - _ .``, first and last alphanumeric, or is empty;
* an *RFC 1123 label* has at most 63 of ``a-z 0-9 -``, first and last alphanumeric;
* an *RFC 1035 label* is one that begins with a letter (Services before Kubernetes 1.34 need it).

The grammar of image references is that of the OCI distribution project, as the kubelet applies it.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata

from sparkk8s_nb.errors import UsageError
from sparkk8s_nb.model.suggest import correct, shown, written

LABEL_VALUE_MAX = 63
DNS_LABEL_MAX = 63
SESSION_NAME_MAX = 40
OWNER_MAX = 30
OWNED_NAME_MAX = 47
"""Spark takes no longer prefix for the names of executors."""

_HASH_LENGTH = 10
_LABEL_VALUE = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?")
_DNS_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")
_NONCE = re.compile(r"[a-z0-9]{1,16}")

_DOMAIN_PART = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_DOMAIN = rf"(?:{_DOMAIN_PART}(?:\.{_DOMAIN_PART})*|\[[0-9A-Fa-f:]+\])(?::[0-9]{{1,5}})?"
_PATH_PART = r"[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*"
_IMAGE = re.compile(
    rf"(?P<name>(?:(?P<domain>{_DOMAIN})/)?(?P<path>{_PATH_PART}(?:/{_PATH_PART})*))"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?"
    r"(?:@(?P<digest>[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9A-Fa-f]{32,}))?"
)
_IMAGE_NAME_MAX = 255
_IMAGE_TEXT_MAX = 1024
_IMAGE_EXAMPLE = "registry.example.com:5000/team/spark:4.3"
_SHA_LENGTHS = {"sha256": 64, "sha384": 96, "sha512": 128}


def label_value(text: str) -> str:
    """Return a valid label value that stands for ``text``, a user's or notebook's name of any kind.

    What is valid already stays as it is. Else it is made valid, readable as far as that goes, and a short
    hash of the whole is appended: two names that look alike afterwards still differ. The result is the
    same in every process, and applying the function again changes nothing. It is a name, not a proof of
    identity: somebody may call himself what another's name was made into.

    Parameters
    ----------
    text : str
        Any text: Unicode, e-mail address, path, empty, of any length.

    Examples
    --------
    >>> label_value("ada")
    'ada'
    >>> label_value("ada@example.com")
    'ada-example.com-b5fc85e557'
    >>> label_value("")
    'unnamed-e3b0c44298'
    """
    if len(text) <= LABEL_VALUE_MAX and _LABEL_VALUE.fullmatch(text):
        return text
    return _with_hash(_readable(text, r"[^A-Za-z0-9_.]+"), text, LABEL_VALUE_MAX)


def object_name(text: str, *, limit: int = SESSION_NAME_MAX) -> str:
    """Return an RFC 1123 label that stands for ``text``, by the rules of :func:`label_value`.

    Parameters
    ----------
    text : str
    limit : int
        Most characters, 20 to 63.

    Examples
    --------
    >>> object_name("flights")
    'flights'
    >>> object_name("Été 2024/Flüge.ipynb")
    'ete-2024-fluge-ipynb-ed47991720'
    """
    if len(text) <= limit and _DNS_LABEL.fullmatch(text):
        return text
    return _with_hash(_slug(text), text, limit)


def session_name(notebook: str, nonce: str, *, owner: str = "") -> str:
    """Return the session's name in the cluster: ``spark-<notebook>-<nonce>``, at most 40 characters.

    Where the owner's name is to be told from it, ``spark-<owner>--<notebook>-<nonce>``, at most 47: no owner's
    name has two dashes, so none is the beginning of another's.

    It begins with a letter, so it may name a Service too, and leaves room for ``-exec-<n>`` in 63.

    Parameters
    ----------
    notebook : str
        The notebook's path or name, or the name that the user gave; only its last part is used.
    nonce : str
        1 to 16 of ``a-z 0-9``, new for every session: it is what makes the name unique.
    owner : str
        As :func:`check_owner` takes it.

    Raises
    ------
    ValueError
        If the nonce is not one; users never give it.

    Examples
    --------
    >>> session_name("/home/ada/01-Quick start.ipynb", "k7x2m9")
    'spark-01-quick-start-k7x2m9'
    >>> session_name("", "k7x2m9")
    'spark-k7x2m9'
    >>> session_name("flights.ipynb", "k7x2m9", owner="ada")
    'spark-ada--flights-k7x2m9'
    """
    if not _NONCE.fullmatch(nonce):
        raise ValueError(f"{nonce!r} is not a nonce: 1 to 16 of a-z and 0-9")
    stem = re.sub(r"\.(ipynb|py)$", "", notebook.rstrip("/").rpartition("/")[2], flags=re.IGNORECASE)
    head = f"spark-{owner}--" if owner else "spark-"
    room = (OWNED_NAME_MAX if owner else SESSION_NAME_MAX) - len(head) - len("-") - len(nonce)
    slug = _slug(stem)[: max(0, room)].strip("-")
    return f"{head}{slug}-{nonce}" if slug else f"{head}{nonce}"


def check_owner(text: str, *, option: str) -> str:
    """Return ``text`` if an owner may be called so where several share a namespace.

    Raises
    ------
    UsageError

    >>> check_owner("ada-l", option="SPARKK8S_OWNER")
    'ada-l'
    """
    if len(text) <= OWNER_MAX and "--" not in text and _DNS_LABEL.fullmatch(text):
        return text
    raise UsageError(
        f"{option}={shown(text)} cannot be an owner's name.",
        fix=f"Use up to {OWNER_MAX} of a-z, 0-9 and single dashes, a letter or digit first and last.",
    )


def check_object_name(text: str, *, option: str = "--name", what: str = "a name") -> str:
    """Return ``text`` if it is an RFC 1123 label.

    Raises
    ------
    UsageError
        If Kubernetes would refuse it.

    >>> check_object_name("flights-2")
    'flights-2'
    """
    if len(text) <= DNS_LABEL_MAX and _DNS_LABEL.fullmatch(text):
        return text
    likely = _slug(text)[:DNS_LABEL_MAX].strip("-") or "team-a"
    raise UsageError(
        f"{written(option, text)} is not {what} that Kubernetes accepts.",
        fix=f"Use up to 63 of a-z, 0-9 and -, a letter or digit first and last: {correct(option, likely)}",
    )


def check_namespace(text: str, *, option: str = "--namespace") -> str:
    """Return ``text`` if it can be a namespace.

    >>> check_namespace("team-a")
    'team-a'
    """
    return check_object_name(text, option=option, what="a namespace")


def check_image(text: str, *, option: str = "--image") -> str:
    """Return ``text`` if it is an image reference: ``[host[:port]/]path[:tag][@digest]``.

    Raises
    ------
    UsageError
        If the kubelet would refuse it (``InvalidImageName``).

    Examples
    --------
    >>> check_image("registry.example.com:5000/team/spark:4.3")
    'registry.example.com:5000/team/spark:4.3'
    """
    found = _IMAGE.fullmatch(text) if len(text) <= _IMAGE_TEXT_MAX else None
    if found is None or len(found["name"]) > _IMAGE_NAME_MAX:
        raise UsageError(f"{written(option, text)} is not an image's name.", fix=_image_fix(text, option))
    digest = found["digest"] or ""
    algorithm, _, hexadecimal = digest.partition(":")
    if algorithm in _SHA_LENGTHS and len(hexadecimal) != _SHA_LENGTHS[algorithm]:
        raise UsageError(
            f"{written(option, text)}: the digest has {len(hexadecimal)} characters.",
            fix=f"Copy it whole: {algorithm} has {_SHA_LENGTHS[algorithm]} hexadecimal characters.",
        )
    if re.fullmatch(r"[0-9a-f]{64}", found["name"]):
        raise UsageError(
            f"{written(option, text)} is a bare digest.",
            fix=f"Name the image too: {correct(option, 'team/spark@sha256:...')}",
        )
    return text


def _image_fix(text: str, option: str) -> str:
    if "://" in text:
        return f"Leave the scheme away: {correct(option, shown(text.partition('://')[2]))}"
    lowered = text.lower()
    if lowered != text and len(lowered) <= _IMAGE_NAME_MAX and _IMAGE.fullmatch(lowered):
        return f"An image's path is in lower case: {correct(option, lowered)}"
    return f"Write it like {correct(option, _IMAGE_EXAMPLE)}"


def _readable(text: str, bad: str) -> str:
    """Replace every run of ``bad`` characters by one dash, after taking accents off."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return re.sub(r"-{2,}", "-", re.sub(bad, "-", plain)).strip("-_.")


def _slug(text: str) -> str:
    return _readable(text.casefold(), r"[^a-z0-9]+")


def _with_hash(readable: str, text: str, limit: int) -> str:
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_HASH_LENGTH]
    room = limit - len(digest) - 1
    # Of a long path the end tells most, of anything else the beginning.
    cut = readable[-room:] if "/" in text else readable[:room]
    return f"{cut.strip('-_.') or 'unnamed'}-{digest}"
