"""What executors get besides image and size: variables, Secrets, volumes. Their values and how they are read."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

from sparkk8s_nb.errors import UsageError
from sparkk8s_nb.model.suggest import correct, written
from sparkk8s_nb.model.values import Kind

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OBJECT = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")
_OURS = re.compile(r"SPARK_|SPARKK8S_|(PYSPARK_PYTHON|HOME|TMPDIR|PYTHONPATH)$")
_TAKEN = ("/opt/sparkk8s", "/opt/spark/conf", "/proc", "/sys", "/dev")


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretUse:
    """An existing Secret: as variables, or as files below a path.

    >>> str(SecretUse(name="s3", path="/secrets/s3"))
    's3:/secrets/s3'
    """

    name: str
    path: str = ""

    def __str__(self) -> str:
        return f"{self.name}:{self.path}" if self.path else self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeUse:
    """An existing PersistentVolumeClaim, mounted at a path.

    >>> str(VolumeUse(claim="data", path="/data", read_only=True))
    'data:/data:ro'
    """

    claim: str
    path: str
    read_only: bool = False

    def __str__(self) -> str:
        return f"{self.claim}:{self.path}" + (":ro" if self.read_only else "")


def read_variables(text: str, label: str) -> tuple[str, ...]:
    """Read names of environment variables, with commas; never values.

    >>> read_variables("AWS_REGION,HTTPS_PROXY", "--env")
    ('AWS_REGION', 'HTTPS_PROXY')
    """
    names = tuple(part.strip() for part in text.split(","))
    for name in names:
        if "=" in name:  # the value is not repeated: it may be a secret
            raise UsageError(
                f"{label} takes a variable's name, without a value.",
                fix=f"Write {correct(label, 'NAME')}: the value is the kernel's own, os.environ[NAME].",
            )
        if not _VARIABLE.fullmatch(name):
            raise UsageError(
                f"{written(label, name)} is not the name of a variable.",
                fix=f"Write {correct(label, 'AWS_REGION')}",
            )
        if _OURS.match(name):
            raise UsageError(
                f"{written(label, name)}: executors have their own {name}.",
                fix="Leave it away; Spark's settings are confs (--conf).",
            )
    return names


def read_secret(text: str, label: str) -> tuple[SecretUse, ...]:
    """Read ``NAME`` or ``NAME:/path``.

    >>> read_secret("s3:/secrets/s3", "--secret")
    (SecretUse(name='s3', path='/secrets/s3'),)
    """
    name, separator, path = text.strip().partition(":")
    if not _OBJECT.fullmatch(name):
        raise UsageError(
            f"{written(label, text)} does not name a Secret.",
            fix=f"Write {correct(label, 'NAME')} for variables or {correct(label, 'NAME:/path')} for files.",
        )
    return (SecretUse(name=name, path=_path(path, label, "NAME:/path") if separator else ""),)


def read_volume(text: str, label: str) -> tuple[VolumeUse, ...]:
    """Read ``CLAIM:/path`` or ``CLAIM:/path:ro``.

    >>> read_volume("data:/data:ro", "--volume")[0].read_only
    True
    """
    claim, _, rest = text.strip().partition(":")
    path, separator, mode = rest.partition(":")
    if not _OBJECT.fullmatch(claim) or not path or (separator and mode not in ("ro", "rw")):
        raise UsageError(
            f"{written(label, text)} is not a claim with a path.",
            fix=f"Write {correct(label, 'CLAIM:/path')} or {correct(label, 'CLAIM:/path:ro')}",
        )
    return (VolumeUse(claim=claim, path=_path(path, label, "CLAIM:/path"), read_only=mode == "ro"),)


def read_paths(text: str, label: str) -> tuple[str, ...]:
    """Read absolute paths, with commas.

    >>> read_paths("/mnt/shared/", "shared_paths =")
    ('/mnt/shared',)
    """
    return tuple(_absolute(part.strip(), label, "/mnt/shared") for part in text.split(","))


def check_paths(secrets: Iterable[SecretUse], volumes: Iterable[VolumeUse]) -> None:
    """Refuse two things at one path.

    Raises
    ------
    UsageError
    """
    at: dict[str, str] = {}
    uses = [("--secret", use) for use in secrets] + [("--volume", use) for use in volumes]
    for label, use in uses:
        other = at.setdefault(use.path, f"{label} {use}")
        if use.path and other != f"{label} {use}":
            raise UsageError(
                f"{other} and {label} {use} would be mounted at the same path.",
                fix="Give each a path of its own.",
            )


def _path(text: str, label: str, example: str) -> str:
    path = _absolute(text, label, example)
    if path == "/" or any(PurePosixPath(path).is_relative_to(each) for each in _TAKEN):
        raise UsageError(
            f"{label} {path}: executors have something of their own there.",
            fix=f"Choose another path: {correct(label, example)}",
        )
    return path


def _absolute(text: str, label: str, example: str) -> str:
    path = PurePosixPath(text)
    if not path.is_absolute() or ".." in path.parts or ":" in text or not text.isprintable():
        raise UsageError(
            f"{written(label, text)} is not an absolute path.", fix=f"Write {correct(label, example)}"
        )
    return str(path)


VARIABLES = Kind(read=read_variables)
SECRETS = Kind(read=read_secret)
VOLUMES = Kind(read=read_volume)
PATHS = Kind(read=read_paths)
