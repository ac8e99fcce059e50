"""A container's paths on this machine: which real directory stands for each mount path. Pure.

There is no image and (but for isolated pods) no mount namespace: a mount path such as ``/mnt/x`` does not
exist. So wherever a pod's command, arguments, environment and working directory name it, the real
directory is put in its place. Paths sit inside other text too (``-Dsecret.file=/mnt/x/secret``,
``a=/x:/y``), so a mount path is replaced wherever it stands as a whole path: what comes before it is no
part of a path (or is ``file://``), and what follows is its end or a ``/``. The longest mount path wins.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

#: characters that, next to a path, would make it another path
_INSIDE = r"A-Za-z0-9_.~+@%\-"


class PathMap:
    """Maps mount paths to real ones in any text.

    Parameters
    ----------
    real : mapping
        Real path for each mount path.

    Examples
    --------
    >>> paths = PathMap({"/mnt/x": "/pod/a", "/mnt/x/deep": "/pod/b"})
    >>> paths.apply("-Dsecret.file=/mnt/x/secret:/mnt/x/deep/f file:///mnt/x")
    '-Dsecret.file=/pod/a/secret:/pod/b/f file:///pod/a'
    >>> paths.apply("/mnt/xyz /home/mnt/x http://mnt/x")
    '/mnt/xyz /home/mnt/x http://mnt/x'
    """

    def __init__(self, real: Mapping[str, str]) -> None:
        self._real = {mount.rstrip("/") or "/": path for mount, path in real.items()}
        ordered = sorted((mount for mount in self._real if mount != "/"), key=len, reverse=True)
        choices = "|".join(re.escape(mount) for mount in ordered)
        before = rf"(?:(?<![/{_INSIDE}])|(?<=file://)|(?<=local://))"
        self._pattern = re.compile(rf"{before}(?:{choices})(?![{_INSIDE}])") if ordered else None

    def apply(self, text: str) -> str:
        """The text with every mount path replaced; what is put in is not looked at again."""
        if self._pattern is None or "/" not in text:
            return text
        return self._pattern.sub(lambda found: self._real[found.group()], text)
