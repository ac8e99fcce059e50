"""A query that fails in a cell: its error, and nothing beside it."""

from __future__ import annotations

from collections.abc import Callable

from tests.embedded.kernels import Kernel

LOGGING = """
import logging
print([[type(handler).__name__ for handler in logging.getLogger(name).handlers]
       for name in ("SQLQueryContextLogger", "DataFrameQueryContextLogger")])
"""


def test_a_failed_query_shows_its_error_and_nothing_on_standard_error(
    new_kernel: Callable[[str], Kernel],
) -> None:
    """For SQL, a DataFrame, and one that fails while it runs; after the stop pyspark is as it was."""
    kernel = new_kernel("errors.ipynb")
    kernel.run("%sparkk8s start -n 1 --cores 1 --memory 1g")
    for source, says in (
        ("spark.sql('select * from nowhere').show()", "TABLE_OR_VIEW_NOT_FOUND"),
        ("spark.range(1).select('nope')", "UNRESOLVED_COLUMN"),
        (
            "spark.conf.set('spark.sql.ansi.enabled', True); spark.sql(\"select cast('x' as int)\").collect()",
            "CAST_INVALID_INPUT",
        ),
    ):
        cell = kernel.run(source, fails=True)
        assert says in cell.error, cell.said
        assert cell.stderr == "", cell.stderr[:500]
    kernel.run("%sparkk8s stop")
    cell = kernel.run(LOGGING)
    assert cell.stdout.strip() == "[['StreamHandler'], ['StreamHandler']]", cell.said
