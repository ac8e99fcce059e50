"""``python -m sparkk8s_nb.embedded``: the daemon. People use ``sparkk8s-nb cluster up``."""

from __future__ import annotations

import sys

from sparkk8s_nb.embedded.daemon import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
