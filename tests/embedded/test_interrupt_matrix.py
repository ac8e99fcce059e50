"""The stop button stops, whatever a cell waits for: real kernels, real Spark, the embedded cluster."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.embedded.kernels import Kernel
from tests.embedded.pressing import SOON, Pressing
from tests.eventually import eventually

LONG = {
    "rdd": "sc.parallelize(range(10**5), 4).map(slow).sum()",
    "sql": 'spark.sql("select sum(hash(id) % 7) s from range(0, 1000000000000, 1, 4)").show()',
    "dataframe": ('spark.range(0, 10**12, 1, 4).selectExpr("hash(id) % 7 k").groupBy("k").count().collect()'),
    "python udf": (
        "from pyspark.sql.functions import udf\n"
        'spark.range(0, 10**6, 1, 4).select(udf(slow, "long")("id")).agg({"slow(id)": "sum"}).collect()'
    ),
    "toPandas": 'spark.range(0, 10**12, 1, 4).selectExpr("hash(id) h").where("h = id + 1").toPandas()',
    "local iterator": "next(sc.parallelize(range(10**5), 4).map(slow).toLocalIterator())",
    "write": (
        'spark.range(0, 10**12, 1, 4).selectExpr("hash(id) h").where("h = id + 1")'
        '.write.format("noop").mode("overwrite").save()'
    ),
    "pandas on Spark": (
        "import warnings; warnings.simplefilter('ignore')\n"
        "import pyspark.pandas as ps\n"
        "ps.range(10**12).id.map(lambda n: n % 7).sum()"
    ),
    "broadcast join": (
        "from pyspark.sql.functions import broadcast\n"
        'big = spark.range(0, 10**12, 1, 4).selectExpr("hash(id) id").where("id = -1")\n'
        'spark.range(1000).join(broadcast(big), "id").count()'
    ),
    "adaptive joins": (
        'a = spark.range(0, 10**12, 1, 2).selectExpr("hash(id) % 1000 k").groupBy("k").count()\n'
        'b = spark.range(0, 10**12, 1, 2).selectExpr("hash(id) % 999 k").groupBy("k").count()\n'
        'a.join(b, "k").count()'
    ),
    "loop with except": (
        "for number in range(1000):\n"
        "    try:\n"
        "        sc.parallelize(range(10**5), 4).map(slow).count()\n"
        "    except Exception as error:\n"
        '        print("went on after", type(error))'
    ),
    "loop of toPandas with except": (
        "for number in range(1000):\n"
        "    try:\n"
        '        spark.range(0, 10**12, 1, 4).selectExpr("hash(id) h").where("h = id + 1").toPandas()\n'
        "    except Exception as error:\n"
        '        print("went on after", type(error))'
    ),
    "thread pool": (
        "from concurrent.futures import ThreadPoolExecutor\n"
        "with ThreadPoolExecutor(2) as pool:\n"
        "    list(pool.map(lambda n: sc.parallelize(range(10**5), 2).map(slow).sum(), range(6)))"
    ),
    "await": "import asyncio\nawait asyncio.sleep(0)\nsc.parallelize(range(10**5), 4).map(slow).sum()",
}


@pytest.fixture(scope="module")
def pressing(new_kernel: Callable[..., Kernel]) -> Iterator[Pressing]:
    """One kernel and session for the whole matrix: each case is a later cell than the one before."""
    kernel = new_kernel("Stop.ipynb")
    pressing = Pressing(kernel)
    pressing.start()
    yield pressing
    if pressing.times:
        cells = [cell for _, cell, _ in pressing.times]
        jobs = [jobs for _, _, jobs in pressing.times]
        print(f"\npress to the cell's end: median {statistics.median(cells):.2f} s, worst {max(cells):.2f} s")
        print(f"press to the jobs' end: median {statistics.median(jobs):.2f} s, worst {max(jobs):.2f} s")
        for what, cell, job in pressing.times:
            print(f"  {what:40} cell {cell:5.2f}  jobs {job:5.2f}")


def lives_on(pressing: Pressing) -> None:
    """The next cell works, with the tag of its own."""
    said = pressing.kernel.run('print(spark.range(10).count(), sc.getLocalProperty("spark.job.tags"))').stdout
    count, tags = said.split()
    assert count == "10"
    assert len(tags.split(",")) == 1


@pytest.mark.parametrize("kind", LONG)
def test_the_stop_button_ends_a_cell_and_its_jobs(pressing: Pressing, kind: str):
    """KeyboardInterrupt, whatever the cell does and catches; the session lives on."""
    stopped = pressing.stop(LONG[kind], pressing.press_once)
    assert "KeyboardInterrupt" in stopped.cell.error, stopped.cell.said
    assert "went on" not in stopped.cell.stdout
    assert max(stopped.took()) < SOON
    pressing.times.append((f"{kind}, once", *stopped.took()))
    lives_on(pressing)


@pytest.mark.parametrize("kind", ["rdd", "dataframe", "toPandas", "loop with except"])
def test_two_presses_stop_hard_and_leave_the_session_whole(pressing: Pressing, kind: str):
    """Whatever the first found, the second does not wait; no job goes on."""
    stopped = pressing.stop(LONG[kind], pressing.press_twice)
    assert "KeyboardInterrupt" in stopped.cell.error, stopped.cell.said
    pressing.times.append((f"{kind}, twice", *stopped.took()))
    lives_on(pressing)


@pytest.mark.parametrize("kind", ["dataframe", "toPandas"])
def test_presses_that_go_on_cost_a_cell_neither_its_error_nor_its_reply(pressing: Pressing, kind: str):
    """Front ends wait for the reply for ever."""
    stopped = pressing.stop(LONG[kind], pressing.press_again_and_again)
    assert "KeyboardInterrupt" in stopped.cell.error, stopped.cell.said
    pressing.times.append((f"{kind}, again and again", *stopped.took()))
    lives_on(pressing)


@pytest.mark.parametrize("kind", ["rdd", "sql", "python udf", "toPandas"])
def test_cancel_from_a_subshell_ends_the_cell_with_a_short_error(pressing: Pressing, kind: str):
    """By the number in the cell's brackets; the error is Spark's first line, not its trace."""
    number = pressing.kernel.value("len(In)")
    pressing.said_beside = ""
    stopped = pressing.stop(LONG[kind], lambda: pressing.run_beside(f"%sparkk8s cancel {number}"))
    lives_on(pressing)
    assert pressing.said_beside == f"Cancelled 1 job of cell [{number}].\n", stopped.cell.said
    assert stopped.cell.error.startswith("JobsCancelledError: "), stopped.cell.said
    assert "cancelled" in stopped.cell.error
    assert len(stopped.cell.error.splitlines()) <= 3
    pressing.times.append((f"{kind}, cancel", *stopped.took()))


def test_cancel_from_a_thread_of_the_users(pressing: Pressing):
    """``session.cancel()`` is for programs too."""
    stopped = pressing.stop(
        "import threading, sparkk8s_nb\n"
        "def give_up():\n"
        "    while not _wanted:\n"
        "        time.sleep(0.05)\n"
        "    sparkk8s_nb.current().cancel()\n"
        "_wanted = []\n"
        "threading.Thread(target=give_up).start()\n" + LONG["rdd"],
        lambda: pressing.run_beside("_wanted.append(1)"),
    )
    assert stopped.cell.error.startswith("JobsCancelledError: "), stopped.cell.said
    lives_on(pressing)


def test_a_wait_for_a_streaming_query_ends_and_the_query_goes_on(pressing: Pressing):
    """Also while it runs jobs; its jobs are not its cell's, whoever cancels that."""
    run = pressing.kernel.run
    run(
        "from pyspark.sql.functions import udf\n"
        'stream = spark.readStream.format("rate").option("rowsPerSecond", 5).load()\n'
        'query = (stream.select(udf(slow, "long")("value")).writeStream.format("noop").start())'
    )
    number = pressing.kernel.value("len(In) - 2")
    stopped = pressing.stop_waiting("query.awaitTermination()", pressing.press_once)
    assert stopped.error.startswith("KeyboardInterrupt: line 1: query.awaitTermination()"), stopped.said
    assert "The wait ended; the streaming query goes on: query.stop() ends it." in stopped.error
    assert run(f"%sparkk8s cancel {number}").stdout == f"No job of cell [{number}] runs.\n"
    said = run(
        "batch = query.lastProgress and query.lastProgress['batchId'] or 0\n"
        f"deadline = time.time() + {SOON}\n"
        "while time.time() < deadline and not (query.lastProgress or {}).get('batchId', 0) > batch + 1:\n"
        "    time.sleep(0.2)\n"
        "print(query.isActive, query.exception(), query.lastProgress['batchId'] > batch + 1)\n"
        "query.stop()"
    )
    assert said.stdout.split() == ["True", "None", "True"], said.said
    lives_on(pressing)


def test_a_call_that_is_no_job_is_left_and_the_thread_keeps_what_was_set(pressing: Pressing):
    """A JVM that does not come back cannot hold the cell; pool and session stay as the user set them."""
    run = pressing.kernel.run
    run('sc.setLocalProperty("spark.scheduler.pool", "mine")')
    stopped = pressing.stop_waiting("sc._jvm.java.lang.Thread.sleep(600000)", pressing.press_once)
    assert stopped.error.startswith("KeyboardInterrupt"), stopped.said
    said = run(
        "from pyspark.sql import SparkSession\n"
        'print(sc.getLocalProperty("spark.scheduler.pool"), SparkSession.getActiveSession() is not None)'
    )
    assert said.stdout.split() == ["mine", "True"]
    run('sc.setLocalProperty("spark.scheduler.pool", None)')
    lives_on(pressing)


def test_jobs_of_other_cells_go_on(pressing: Pressing):
    """A background job of an earlier cell, until that cell's jobs are cancelled."""
    run = pressing.kernel.run
    run(
        "import threading\n"
        "def work():\n"
        "    try:\n"
        "        sc.parallelize(range(10**5), 1).map(slow).sum()\n"
        "    except Exception as error:\n"
        "        said.append(str(error))\n"
        "said = []\n"
        "background = threading.Thread(target=work); background.start()"
    )
    number = pressing.kernel.value("len(In) - 2")
    cell = pressing.stop_waiting(
        "sc.parallelize(range(10**5), 1).map(slow).sum()",
        pressing.press_once,
        when=lambda: pressing.observed()[1] >= 2,
    )
    assert cell.error.startswith("KeyboardInterrupt"), cell.said
    time.sleep(3)
    assert pressing.observed()[1] == 1
    assert run("print(background.is_alive())").stdout == "True\n"
    assert run(f"%sparkk8s cancel {number}").stdout == f"Cancelled 1 job of cell [{number}].\n"
    said = run(f"background.join({SOON}); print(background.is_alive(), said)")
    assert said.stdout.startswith("False"), said.said
    assert "cancelled" in said.stdout
    lives_on(pressing)


def test_what_a_cell_does_after_the_interrupt_is_left_alone(pressing: Pressing):
    """A ``finally`` that tidies up with Spark, at once and for longer than the cancelling goes on."""
    source = (
        "try:\n    "
        + LONG["rdd"]
        + "\nfinally:\n    print(sc.parallelize(range(40), 2).map(slow).sum(), spark.range(7).count())"
    )
    stopped = pressing.stop(source, pressing.press_once)
    assert stopped.cell.error.startswith("KeyboardInterrupt"), stopped.cell.said
    assert stopped.cell.stdout == "780 7\n", stopped.cell.said
    lives_on(pressing)


def test_a_program_may_catch_the_interrupt_and_go_on(pressing: Pressing):
    """As ``except KeyboardInterrupt`` means it; the next press stops what it goes on with."""
    source = (
        "try:\n    " + LONG["dataframe"] + "\nexcept KeyboardInterrupt:\n"
        '    print("caught")\n'
        "    print(spark.range(5).count())\n"
        "raise ValueError('the end')"
    )
    stopped = pressing.stop(source, pressing.press_once)
    assert stopped.cell.stdout == "caught\n5\n", stopped.cell.said
    assert "ValueError: the end" in stopped.cell.error
    lives_on(pressing)


def test_a_jvm_that_hangs_cannot_hold_a_cell(pressing: Pressing):
    """Nor the end of the cell; when it goes on, so does the session."""
    jvm = psutil.Process(pressing.kernel.sessions[-1].jvm.pid)

    def stop_jvm() -> bool:
        if not pressing.tasks_run():
            return False
        jvm.suspend()
        return True

    try:
        cell = pressing.stop_waiting(LONG["rdd"], pressing.press_once, when=stop_jvm)
    finally:
        jvm.resume()
    assert cell.error.startswith("KeyboardInterrupt"), cell.said
    assert eventually(lambda: pressing.observed()[1] == 0, SOON)
    lives_on(pressing)


def test_what_follows_in_a_task_of_an_event_loop_is_cancelled(pressing: Pressing):
    """KeyboardInterrupt in a task would end the kernel."""
    stopped = pressing.stop(
        "import asyncio\n"
        "async def beside():\n"
        f"    {LONG['rdd']}\n"
        "await asyncio.gather(beside(), asyncio.sleep(600))",
        pressing.press_once,
    )
    assert "CancelledError" in stopped.cell.error, stopped.cell.said
    lives_on(pressing)


def test_an_import_that_works_on_a_library_is_interrupted_in_the_users_file(
    pressing: Pressing, tmp_path: Path
):
    """The line that is named is the module's."""
    (tmp_path / "workload.py").write_text(
        "import time\n"
        "def slow(number):\n    time.sleep(0.2)\n    return number\n"
        "def work(sc):\n    function = lambda n: (__import__('time').sleep(0.2), n)[1]\n"
        "    return sc.parallelize(range(10**5), 4).map(function).sum()\n"
    )
    stopped = pressing.stop(
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\nfrom workload import work\nwork(sc)",
        pressing.press_once,
    )
    assert "workload.py, line 7: return sc.parallelize" in stopped.cell.error, stopped.cell.said
    lives_on(pressing)


def test_plain_python_is_interrupted_as_ever(pressing: Pressing):
    """With its own trace, and nothing of ours in the way."""
    stopped = pressing.stop_waiting("time.sleep(600)", pressing.press_once)
    assert stopped.error.splitlines()[0].strip("-") == ""
    assert "KeyboardInterrupt" in stopped.error
    assert "time.sleep(600)" in stopped.error
    assert "sparkk8s" not in stopped.error
    lives_on(pressing)


@pytest.mark.parametrize("kind", ["sql", "rdd"])
def test_the_first_cell_after_a_start_is_stopped_as_well(pressing: Pressing, kind: str):
    """Before any other cell has had a job."""
    pressing.kernel.run("%sparkk8s stop")
    pressing.start()
    stopped = pressing.stop(LONG[kind], pressing.press_once)
    assert stopped.cell.error.startswith("KeyboardInterrupt"), stopped.cell.said
    pressing.times.append((f"{kind}, first cell", *stopped.took()))
    lives_on(pressing)
