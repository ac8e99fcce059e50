"""Starts the fork server as a script, without the package around it, which would cost every shim memory.

Run with ``python -I -S boot.py HANDLE``: the two packages become empty modules that only know where their
parts are.
"""

import sys
from types import ModuleType

_HERE = __file__.rpartition("/")[0]


def _main(handle: int) -> None:
    for name, place in (("sparkk8s_nb", _HERE.rpartition("/")[0]), ("sparkk8s_nb.embedded", _HERE)):
        module = ModuleType(name)
        module.__path__ = [place]
        sys.modules[name] = module
    from sparkk8s_nb.embedded import forkserver

    forkserver.main(handle)


if __name__ == "__main__":
    _main(int(sys.argv[1]))
