"""Call sites in a reader's words."""

from __future__ import annotations

import pytest

from sparkk8s_nb.model.callsites import callsite


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("count at /tmp/ipykernel_27116/3319895896.py:6", "count at line 6 of its cell"),
        ("count at /var/folders/x y/T/ipykernel_5/77.py:12", "count at line 12 of its cell"),
        ("reduceByKey at <ipython-input-3-0f1a2b>:5", "reduceByKey at line 5 of its cell"),
        ("javaToPython at NativeMethodAccessorImpl.java:0", "javaToPython"),
        ("$anonfun$withThreadLocalCaptured$1 at CompletableFuture.java:1768", ""),
        ("run at ThreadPoolExecutor.java:1136", "run at ThreadPoolExecutor.java:1136"),
        ("count at /home/ada/ipykernel_7.py:3", "count at ipykernel_7.py:3"),
        ("show at /home/ada/my work/loads.py:12", "show at loads.py:12"),
        ("show at /home/ada/a path that was cut/lo", "show at lo"),
        ("daily load at /data/in", "daily load at /data/in"),
        ("run at batch 7", "run at batch 7"),
        ("", ""),
    ],
)
def test_a_cells_line_is_named_and_of_other_files_the_name_alone(said: str, told: str) -> None:
    """Directories name users; the files that kernels make up for cells are nobody's; py4j is no place at all."""
    assert callsite(said) == told
