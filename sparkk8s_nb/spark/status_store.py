"""Reading Spark's status store: executors and jobs in one JSON, with the UI on or off.

The store's values are turned into JSON by Jackson inside the JVM, so a reading is a handful of py4j calls
however many executors and jobs there are (measured: 6 ms).
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

from sparkk8s_nb.model.callsites import callsite
from sparkk8s_nb.model.fleet import ExecutorLoad, ExecutorStatus
from sparkk8s_nb.model.progress import JobProgress, JobState, StageProgress
from sparkk8s_nb.model.task_metrics import TaskMetrics
from sparkk8s_nb.ports import SparkStatus
from sparkk8s_nb.spark.active_queries import ActiveQueries

JOBS_READ = 200
"""How many of the newest jobs a reading covers."""

STAGES_READ = 64
"""How many waiting or ended stages a reading looks up one by one."""

STAGES_KEPT = 2000
JOBS_LOOKED_UP = 20
ENDED_STATES = frozenset({"COMPLETE", "SKIPPED", "FAILED"})
DRIVER = "driver"

USED_MEMORY = ("JVMHeapMemory", "JVMOffHeapMemory", "ProcessTreePythonRSSMemory")
"""What of an executor's peak metrics its pod's memory is used for, each without the others."""

_FORGOTTEN: Mapping[str, Any] = {
    "status": "UNKNOWN",
    "stageIds": (),
    "numTasks": 0,
    "numActiveTasks": 0,
    "numCompletedTasks": 0,
    "numFailedTasks": 0,
    "numSkippedTasks": 0,
}


class StatusStore:
    """The status store of one SparkContext, and its streaming queries. Any thread may call it.

    Parameters
    ----------
    spark : SparkSession
    """

    def __init__(self, spark: Any) -> None:
        context = spark.sparkContext
        jvm = context._jvm
        self._lock = threading.Lock()
        self._queries = ActiveQueries(spark, time.time)
        self._streamed = False
        self._store = context._jsc.sc().statusStore()
        self._new_list = jvm.java.util.ArrayList
        self._mapper = jvm.com.fasterxml.jackson.databind.ObjectMapper()
        scala_module = jvm.java.lang.Class.forName("com.fasterxml.jackson.module.scala.DefaultScalaModule$")
        self._mapper.registerModule(scala_module.getField("MODULE$").get(None))
        self._ended_stages: dict[int, StageProgress] = {}
        self._running = self._new_list()
        self._running.add(jvm.org.apache.spark.JobExecutionStatus.RUNNING)

    def read(
        self, tags: Sequence[str] = (), jobs: Sequence[int] = (), *, streams: bool = False
    ) -> SparkStatus:
        """One reading: executors, running jobs, the newest with one of the tags, and those with these ids."""
        with self._lock:
            some = self._new_list() if tags else self._running
            executors, jobs_data, stages = self._json(
                self._store.executorList(False),
                self._store.jobsList(some).take(JOBS_READ),
                self._store.activeStages(),
            )
            mine = _wanted(jobs_data, set(tags), set(jobs))
            read = {job["jobId"] for job in mine}
            mine += self._older([number for number in jobs if number not in read])
            active = {stage["stageId"]: stage_progress(stage) for stage in stages}
            known = active | self._other_stages(mine, active)
            found = tuple(job_progress(job, known, *self._queries.of_job(job)) for job in mine)
            # Not before there was one: to ask begins Spark's SQL state, which costs a second.
            self._streamed = self._streamed or streams or any(job.query for job in found)
            return SparkStatus(
                executors=tuple(executor_status(item) for item in executors if item["id"] != DRIVER),
                jobs=found,
                streams=self._queries.read() if self._streamed else None,
            )

    def _older(self, numbers: Sequence[int]) -> list[Mapping[str, Any]]:
        """Jobs by their ids; one that the store has forgotten is UNKNOWN."""
        from py4j.protocol import Py4JJavaError

        found, missing = [], []
        for number in numbers[:JOBS_LOOKED_UP]:
            try:
                found.append(self._store.job(number))
            except Py4JJavaError:
                missing.append(number)
        data: list[Mapping[str, Any]] = self._json(*found) if found else []
        if missing:
            (newest,) = self._json(self._store.jobsList(self._new_list()).take(1))
            # One that is newer than all in the store is on its way there.
            last = max((job["jobId"] for job in newest), default=-1)
            data += [{**_FORGOTTEN, "jobId": number} for number in missing if number < last]
        return data

    def _other_stages(
        self, jobs: Sequence[Mapping[str, Any]], active: Mapping[int, StageProgress]
    ) -> dict[int, StageProgress]:
        """Stages of the jobs that wait or have ended; what has ended is read once."""
        numbers = {number for job in jobs for number in job["stageIds"]} - active.keys()
        unread = sorted(numbers - self._ended_stages.keys())[-STAGES_READ:]
        found = {}
        if unread:
            attempts = [attempt for attempt in map(self._last_attempt, unread) if attempt is not None]
            for data in self._json(*attempts):
                found[data["stageId"]] = stage_progress(data)
        self._ended_stages |= {n: stage for n, stage in found.items() if stage.state in ENDED_STATES}
        while len(self._ended_stages) > STAGES_KEPT:
            del self._ended_stages[next(iter(self._ended_stages))]
        return found | {n: self._ended_stages[n] for n in numbers if n in self._ended_stages}

    def _last_attempt(self, number: int) -> Any | None:
        """A stage's newest attempt, or None if the store no longer (or not yet) has it."""
        from py4j.protocol import Py4JJavaError

        try:
            return self._store.lastStageAttempt(number)
        except Py4JJavaError:
            return None

    def _json(self, *values: Any) -> list[Any]:
        parts = self._new_list()
        for value in values:
            parts.add(value)
        result: list[Any] = json.loads(self._mapper.writeValueAsString(parts))
        return result


def _wanted(jobs: Sequence[Mapping[str, Any]], tags: set[str], numbers: set[int]) -> list[Mapping[str, Any]]:
    return [
        job
        for job in jobs
        if job["status"] == "RUNNING"
        or job["jobId"] in numbers
        or tags.intersection(job.get("jobTags") or ())
    ]


def executor_status(data: Mapping[str, Any]) -> ExecutorStatus:
    """One ``ExecutorSummary`` of Spark's status API; it does not know what an executor's tasks spilled."""
    peaks = data.get("peakMemoryMetrics") or {}
    return ExecutorStatus(
        id=str(data["id"]),
        active=bool(data["isActive"]),
        cores=data["totalCores"],
        running=_at_work(data),
        done=data["completedTasks"],
        failed=data["failedTasks"],
        memory_used=data["memoryUsed"],
        memory_max=data["maxMemory"],
        removed_reason=data.get("removeReason") or "",
        load=ExecutorLoad(
            peak_memory=sum(peaks.get(name, 0) for name in USED_MEMORY),
            gc_ms=data["totalGCTime"],
            task_ms=data["totalDuration"],
        ),
    )


def _at_work(data: Mapping[str, Any]) -> int:
    """Tasks that run: the store hears of a task's start before the end of the one whose slot it took."""
    running, most = int(data["activeTasks"]), int(data.get("maxTasks") or 0)
    return min(running, most) if most > 0 else running


def stage_progress(data: Mapping[str, Any]) -> StageProgress:
    """One ``StageData`` of Spark's status API."""
    return StageProgress(
        id=data["stageId"],
        attempt=data["attemptId"],
        name=callsite(data["name"]),
        state=data["status"],
        tasks=data["numTasks"],
        running=data["numActiveTasks"],
        done=data["numCompleteTasks"],
        failed=data["numFailedTasks"],
        killed=data["numKilledTasks"],
        skipped=data["status"] == "SKIPPED",
        submitted=_seconds(data.get("submissionTime")),
        completed=_seconds(data.get("completionTime")),
        failure=(data.get("failureReason") or "").partition("\n")[0],
        metrics=TaskMetrics(
            run_ms=data["executorRunTime"],
            cpu_ms=data["executorCpuTime"] // 1_000_000,
            gc_ms=data["jvmGcTime"],
            bytes_read=data["inputBytes"],
            bytes_written=data["outputBytes"],
            shuffle_read=data["shuffleReadBytes"],
            shuffle_written=data["shuffleWriteBytes"],
            memory_spilled=data["memoryBytesSpilled"],
            disk_spilled=data["diskBytesSpilled"],
            records_read=data["inputRecords"],
            records_written=data["outputRecords"],
        ),
    )


def job_progress(
    data: Mapping[str, Any], stages: Mapping[int, StageProgress], query: str = "", batch: int = -1
) -> JobProgress:
    """One ``JobData`` of Spark's status API, with those of its stages that are known."""
    state = data["status"] if data["status"] in JobState.__members__ else "UNKNOWN"
    return JobProgress(
        id=data["jobId"],
        description=callsite(data.get("description") or data.get("name") or ""),
        state=JobState(state),
        tags=tuple(data.get("jobTags") or ()),
        stages=tuple(stages[number] for number in data["stageIds"] if number in stages),
        tasks=data["numTasks"],
        running=data["numActiveTasks"],
        done=data["numCompletedTasks"],
        failed=data["numFailedTasks"],
        skipped=data["numSkippedTasks"],
        submitted=_seconds(data.get("submissionTime")),
        ended=_seconds(data.get("completionTime")),
        query=query,
        batch=batch,
    )


def _seconds(milliseconds: int | None) -> float:
    """Jackson writes dates as milliseconds since the epoch."""
    return milliseconds / 1000 if milliseconds else 0.0
