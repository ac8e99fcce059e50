"""A failed query's error is said once, by the error."""

from __future__ import annotations

import io
import logging

import pytest
from pyspark.logger import PySparkLogger

from sparkk8s_nb.spark.query_loggers import LOGGERS, quiet_query_loggers


@pytest.mark.parametrize("name", LOGGERS)
def test_while_it_is_quiet_nothing_reaches_standard_error(name, capsys):
    """Neither from pyspark's handler nor from logging's last resort; afterwards all is as before."""
    logger = PySparkLogger.getLogger(name)
    before = list(logger.handlers)
    with quiet_query_loggers():
        logger.exception("x", file="f")
        assert capsys.readouterr().err == ""
    assert logger.handlers == before


@pytest.mark.parametrize("name", LOGGERS)
def test_who_asked_for_these_logs_gets_them(name):
    """A handler of the user's own stays, one that came meanwhile too."""
    early, late = io.StringIO(), io.StringIO()
    handlers = [logging.StreamHandler(early), logging.StreamHandler(late)]
    logger = PySparkLogger.getLogger(name)
    logger.addHandler(handlers[0])
    with quiet_query_loggers():
        logger.addHandler(handlers[1])
        logger.error("mine")
    assert '"mine"' in early.getvalue()
    assert '"mine"' in late.getvalue()
    for handler in handlers:
        assert handler in logger.handlers
        logger.removeHandler(handler)


def test_pyspark_still_uses_these_loggers():
    """Another name would be as loud as ever."""
    import inspect

    from pyspark.errors.exceptions import base

    source = inspect.getsource(base)
    assert all(f'"{name}"' in source for name in LOGGERS)
