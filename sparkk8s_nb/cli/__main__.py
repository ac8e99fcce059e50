"""``python -m sparkk8s_nb.cli``: the same as ``sparkk8s-nb``."""

from __future__ import annotations

import sys

from sparkk8s_nb.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
