"""What the package does when it is imported."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import sparkk8s_nb


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


def imported(statement, *names):
    """Which of the names are imported after a statement, in a process of its own."""
    program = f"import sys\n{statement}\nprint([name for name in {names!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return ast.literal_eval(done.stdout)


def test_to_import_the_package_is_nothing():
    """Jupyter's server, the keeper and the daemon do."""
    heavy = (
        "pyspark",
        "kubernetes",
        "IPython",
        "ipywidgets",
        "tornado",
        "jupyter_server",
        "sparkk8s_nb.session",
    )
    assert imported("import sparkk8s_nb; sparkk8s_nb._jupyter_server_extension_points()", *heavy) == []


def test_the_servers_extension_needs_nothing_of_the_kernels():
    """Jupyter's server may run where there is no Java and no Spark."""
    heavy = ("pyspark", "py4j", "kubernetes", "ipywidgets", "anywidget", "ipykernel")
    ours = (
        "sparkk8s_nb.session",
        "sparkk8s_nb.magics",
        "sparkk8s_nb.spark",
        "sparkk8s_nb.views",
        "sparkk8s_nb.kube",
    )
    [point] = sparkk8s_nb._jupyter_server_extension_points()
    assert imported(f"import {point['module']}", *heavy, *ours) == []


def test_the_shipped_file_turns_on_the_extension_that_there_is():
    """It names this package, and nothing else."""
    file = Path(sparkk8s_nb.__file__).parent / "server" / "jupyter_server_config.d" / "sparkk8s_nb.json"
    assert json.loads(file.read_text()) == {"ServerApp": {"jpserver_extensions": {"sparkk8s_nb": True}}}
