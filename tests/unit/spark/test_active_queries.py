"""Streaming queries as Spark answers when it is asked, and which jobs are theirs."""

from __future__ import annotations

from dataclasses import dataclass, field

from sparkk8s_nb.model.streams import StreamState
from sparkk8s_nb.spark.active_queries import QUERIES_READ, ActiveQueries

ID = "ab865a52-35b0-4d01-bf5e-1b039aabb301"
RUN = "8569af65-e52e-4103-9e32-ebafdb21a017"


@dataclass
class Name:
    """A java.util.UUID."""

    text: str

    def toString(self) -> str:
        return self.text


@dataclass
class Maybe:
    """A scala.Option of an exception."""

    text: str = ""

    def isDefined(self) -> bool:
        return bool(self.text)

    def get(self) -> Maybe:
        return self

    def getMessage(self) -> str:
        return self.text


@dataclass
class Batch:
    """A StreamingQueryProgress."""

    number: int
    rows: int = 10
    pace: float = 50.0

    def batchId(self) -> int:
        return self.number

    def numInputRows(self) -> int:
        return self.rows

    def inputRowsPerSecond(self) -> float:
        return float("inf")

    def processedRowsPerSecond(self) -> float:
        return self.pace


@dataclass
class Query:
    """A StreamExecution."""

    run: str = RUN
    batches: list[Batch] = field(default_factory=list)
    failure: str = ""

    def id(self) -> Name:
        return Name(ID if self.run == RUN else f"id-{self.run}")

    def runId(self) -> Name:
        return Name(self.run)

    def name(self) -> None:
        return None

    def lastProgress(self) -> Batch | None:
        return self.batches[-1] if self.batches else None

    def recentProgress(self) -> list[Batch]:
        return self.batches

    def exception(self) -> Maybe:
        return Maybe(self.failure)


class Spark:
    """Of a SparkSession what leads to the active queries of all sessions."""

    def __init__(self, *queries: Query) -> None:
        self.active = list(queries)
        self.left: list[Query] = []
        self._jsparkSession = self

    def sharedState(self) -> Spark:
        return self

    def activeStreamingQueries(self) -> Spark:
        return self

    def elements(self) -> Spark:
        self.left = list(self.active)
        return self

    def hasMoreElements(self) -> bool:
        return bool(self.left)

    def nextElement(self) -> Query:
        return self.left.pop(0)


def test_a_query_is_told_with_the_batches_of_its_run() -> None:
    """A restart goes on with its checkpoint's number; what is no number is none."""
    query = Query(batches=[Batch(7), Batch(8)])
    queries = ActiveQueries(Spark(query), lambda: 5.0)
    (one,) = queries.read()
    assert (one.id, one.run, one.name, one.batches, one.batch, one.started) == (ID, RUN, "", 2, 8, 5.0)
    assert (one.last_rows, one.arriving, one.processing) == (10, 0.0, 50.0)
    query.batches = [Batch(9, rows=4)]
    (later,) = queries.read()
    assert (later.batches, later.batch, later.last_rows) == (3, 9, 4)


def test_a_query_that_is_not_active_any_more_is_told_once_with_its_end() -> None:
    """The last line of a Python trace says more than its first."""
    stopped, failed = Query(run="a"), Query(run="b")
    failed.failure = (
        "x: Traceback (most recent call last):\n  File x\nValueError: no\n SQLSTATE: 39000 SQLSTATE: XXKST\n"
        "=== Streaming Query ===\nIdentifier: b\nCurrent Available Offsets: {}\n\nLogical Plan:\n~Write"
    )
    spark = Spark(stopped, failed)
    queries = ActiveQueries(spark, lambda: 5.0)
    queries.read()
    spark.active = []
    assert {(one.run, one.state, one.error) for one in queries.read()} == {
        ("a", StreamState.ENDED, ""),
        ("b", StreamState.FAILED, "ValueError: no"),
    }
    assert queries.read() == ()


def test_a_reading_asks_for_a_bounded_number_of_queries() -> None:
    """Each takes a handful of calls."""
    many = Spark(*(Query(run=f"r-{number}") for number in range(3 * QUERIES_READ)))
    assert len(ActiveQueries(many, lambda: 5.0).read()) == QUERIES_READ


def test_a_batchs_job_is_known_by_what_spark_writes_into_its_description() -> None:
    """Also after its query has ended, and with a description of the user's own in that run's group."""
    queries = ActiveQueries(Spark(), lambda: 5.0)
    described = {"jobGroup": RUN, "description": f"clicks\nid = {ID}\nrunId = {RUN}\nbatch = 4"}
    assert queries.of_job(described) == (ID, 4)
    assert queries.of_job({**described, "description": f"id = {ID}\nrunId = {RUN}\nbatch = init"}) == (ID, -1)
    assert queries.of_job({"jobGroup": RUN, "description": "mine"}) == (ID, -1)


def test_a_job_that_only_looks_like_a_batchs_is_its_cells() -> None:
    """The job group has to be the run's."""
    queries = ActiveQueries(Spark(), lambda: 5.0)
    assert queries.of_job({"jobGroup": "mine", "description": f"\nid = {ID}\nrunId = {RUN}\nbatch = 4"}) == (
        "",
        -1,
    )
    assert queries.of_job({"description": "count"}) == ("", -1)


def test_the_job_of_an_active_query_is_known_by_its_group() -> None:
    """Whatever its description says."""
    queries = ActiveQueries(Spark(Query()), lambda: 5.0)
    queries.read()
    assert queries.of_job({"jobGroup": RUN}) == (ID, -1)


def test_rows_are_those_of_all_batches_since_the_query_was_first_seen():
    """Each batch counts once, also where several have ended between two readings."""
    query = Query(batches=[Batch(0, rows=5), Batch(1, rows=7)])
    queries = ActiveQueries(Spark(query), lambda: 1.0)
    assert queries.read()[0].rows == 12
    query.batches += [Batch(2, rows=1), Batch(3, rows=2)]
    assert queries.read()[0].rows == 15
    assert queries.read()[0].rows == 15
