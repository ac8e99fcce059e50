"""pyspark's own log of failed queries, kept out of the cells.

pyspark writes every query error that it raises to standard error as well, as one line of JSON with the JVM's
stack trace: 10 to 20 KB under the error that says the same in two.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

LOGGERS = ("SQLQueryContextLogger", "DataFrameQueryContextLogger")
"""As ``pyspark.errors.exceptions.base`` names them."""


@contextmanager
def quiet_query_loggers() -> Iterator[None]:
    """Take pyspark's handlers from its query loggers for a while; the user's own handlers stay.

    Examples
    --------
    >>> with quiet_query_loggers():
    ...     logging.getLogger("SQLQueryContextLogger").error("not seen")
    """
    from pyspark.logger import PySparkLogger

    nothing = logging.NullHandler()  # without any handler, logging itself would write to standard error
    taken = []
    for name in LOGGERS:
        logger = PySparkLogger.getLogger(name)
        # pyspark's own is the first: it comes with the logger.
        taken += [
            (logger, handler) for handler in logger.handlers[:1] if type(handler) is logging.StreamHandler
        ]
        logger.addHandler(nothing)
    for logger, handler in taken:
        logger.removeHandler(handler)
    try:
        yield
    finally:
        for name in LOGGERS:
            logging.getLogger(name).removeHandler(nothing)
        for logger, handler in taken:
            logger.addHandler(handler)
