"""The listener's Java source is one unit, whatever number of files it is kept in."""

from __future__ import annotations

import re

from sparkk8s_nb.spark.activity import CLASS_NAME, _source


def test_the_listeners_files_are_compiled_as_one_source() -> None:
    """One package line, then imports, each once, then all classes."""
    lines = _source().splitlines()
    imports = [line for line in lines if line.startswith("import ")]
    assert lines[0] == f"package {CLASS_NAME.rpartition('.')[0]};"
    assert lines[1 : 1 + len(imports)] == sorted(set(imports))
    assert sum(line.startswith("package ") for line in lines) == 1
    classes = re.findall(r"^(?:public |final )*class (\w+)", "\n".join(lines), re.MULTILINE)
    names = ["ActivityListener", "ExecutorWork", "JobEvents", "JsonText", "StageSums", "StreamingQueries"]
    assert sorted(classes) == names
