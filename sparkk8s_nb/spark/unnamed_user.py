"""A driver whose user has no name: a container's random uid, as some clusters give one to each namespace.

Java then calls user and home directory ``?``, and Hadoop's login, which asks the system and nothing else, fails
with a null name. Executors get a passwd line; the notebook's container is not ours, so its JVM is told instead.
"""

from __future__ import annotations

import os
import pwd
from collections.abc import Mapping
from typing import Any

NAME = "spark"
"""As executors call the same user."""


def is_unnamed(uid: int) -> bool:
    """Whether the system has no name for a user.

    >>> is_unnamed(0)
    False
    """
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return True
    return False


def java_options(uid: int, environ: Mapping[str, str]) -> list[str]:
    """What Java is told of a user without a name; nothing for any other.

    >>> java_options(4_000_000_000, {"HOME": "/home/jovyan"})
    ['-Duser.name=spark', '-Duser.home=/home/jovyan']
    """
    if not is_unnamed(uid):
        return []
    return [f"-Duser.name={NAME}", f"-Duser.home={environ.get('HOME') or '/tmp'}"]  # noqa: S108 (as shells do)


def log_in(jvm: Any) -> None:
    """Log a user without a name into Hadoop, before anything asks it to do so itself.

    Parameters
    ----------
    jvm : py4j.java_gateway.JVMView
    """
    if is_unnamed(os.getuid()):
        users = jvm.org.apache.hadoop.security.UserGroupInformation
        users.setLoginUser(users.createRemoteUser(NAME))
