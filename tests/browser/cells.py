"""Cells that the tests run."""

from __future__ import annotations

LOAD = "%load_ext sparkk8s_nb"

START = "%sparkk8s start -n 2 --cores 1 --memory 1g"
SMALL_START = "%sparkk8s start -n 1 --cores 1 --memory 1g"

ANSWER = "print(sc.parallelize(range(100), 4).map(lambda n: n * n).sum())"
ANSWERED = "328350"


def stage(tasks: int, seconds: float) -> str:
    """One job with one stage of so many tasks of so many seconds each."""
    return f"""
import time
def wait(n):
    time.sleep({seconds})
    return n
print(sc.parallelize(range({tasks}), {tasks}).map(wait).count())
""".strip()


BLOCK = """
import ipywidgets, pathlib, time
def block(_):
    pathlib.Path("blocking").touch()
    while not pathlib.Path("go").exists():
        time.sleep(0.05)
blocker = ipywidgets.Button(description="Block")
blocker.on_click(block)
blocker
""".strip()
"""A button whose callback holds up whatever else the page says to widgets, until there is a file ``go``."""
