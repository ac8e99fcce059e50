"""What the package does when it is imported."""

from __future__ import annotations

import subprocess
import sys


def test_no_log_line_of_ours_lands_in_a_cell():
    """Without a handler Python writes warnings to standard error; with one of the user's it goes there."""
    program = (
        "import logging, sys, sparkk8s_nb\n"
        "logging.getLogger('sparkk8s_nb.kube.plugins').warning('lost')\n"
        "logging.basicConfig(stream=sys.stdout, format='%(message)s')\n"
        "logging.getLogger('sparkk8s_nb.kube.plugins').warning('heard')\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("heard\n", "")
