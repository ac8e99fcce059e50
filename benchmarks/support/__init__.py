"""What benchmarks share. A benchmark is a script: the tests' package is not on its path by itself."""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))
