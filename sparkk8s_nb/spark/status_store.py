"""Reading Spark's status store: executors and jobs in one JSON, with the UI on or off.

The store's values are turned into JSON by Jackson inside the JVM, so a reading is a handful of py4j calls
however many executors and jobs there are (measured: 6 ms).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sparkk8s_nb.model.fleet import ExecutorStatus
from sparkk8s_nb.model.progress import JobProgress, JobState, StageProgress
from sparkk8s_nb.ports import SparkStatus

JOBS_READ = 200
"""How many of the newest jobs a reading covers."""

STAGES_READ = 64
"""How many waiting or ended stages a reading looks up one by one."""

STAGES_KEPT = 2000
ENDED_STATES = frozenset({"COMPLETE", "SKIPPED", "FAILED"})
DRIVER = "driver"


class StatusStore:
    """The status store of one SparkContext. Safe to call from any one thread at a time."""

    def __init__(self, context: Any) -> None:
        jvm = context._jvm
        self._store = context._jsc.sc().statusStore()
        self._new_list = jvm.java.util.ArrayList
        self._mapper = jvm.com.fasterxml.jackson.databind.ObjectMapper()
        scala_module = jvm.java.lang.Class.forName("com.fasterxml.jackson.module.scala.DefaultScalaModule$")
        self._mapper.registerModule(scala_module.getField("MODULE$").get(None))
        self._ended_stages: dict[int, StageProgress] = {}
        self._running = self._new_list()
        self._running.add(jvm.org.apache.spark.JobExecutionStatus.RUNNING)

    def read(self, tags: Sequence[str]) -> SparkStatus:
        """One reading: executors, running jobs, and the newest jobs that carry one of the tags."""
        jobs = self._store.jobsList(self._new_list() if tags else self._running).take(JOBS_READ)
        executors, jobs_data, stages = self._json(
            self._store.executorList(False), jobs, self._store.activeStages()
        )
        wanted = set(tags)
        mine = [
            job
            for job in jobs_data
            if job["status"] == "RUNNING" or wanted.intersection(job.get("jobTags") or ())
        ]
        active = {stage["stageId"]: stage_progress(stage) for stage in stages}
        known = active | self._other_stages(mine, active)
        return SparkStatus(
            executors=tuple(executor_status(item) for item in executors if item["id"] != DRIVER),
            jobs=tuple(job_progress(item, known) for item in mine),
        )

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


def executor_status(data: Mapping[str, Any]) -> ExecutorStatus:
    """One ``ExecutorSummary`` of Spark's status API."""
    return ExecutorStatus(
        id=str(data["id"]),
        active=bool(data["isActive"]),
        cores=data["totalCores"],
        running=data["activeTasks"],
        done=data["completedTasks"],
        failed=data["failedTasks"],
        memory_used=data["memoryUsed"],
        memory_max=data["maxMemory"],
        removed_reason=data.get("removeReason") or "",
    )


def stage_progress(data: Mapping[str, Any]) -> StageProgress:
    """One ``StageData`` of Spark's status API."""
    return StageProgress(
        id=data["stageId"],
        attempt=data["attemptId"],
        name=data["name"],
        state=data["status"],
        tasks=data["numTasks"],
        running=data["numActiveTasks"],
        done=data["numCompleteTasks"],
        failed=data["numFailedTasks"],
        killed=data["numKilledTasks"],
        skipped=data["status"] == "SKIPPED",
    )


def job_progress(data: Mapping[str, Any], stages: Mapping[int, StageProgress]) -> JobProgress:
    """One ``JobData`` of Spark's status API, with those of its stages that are active."""
    state = data["status"] if data["status"] in JobState.__members__ else "UNKNOWN"
    return JobProgress(
        id=data["jobId"],
        description=data.get("description") or data.get("name") or "",
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
    )


def _seconds(milliseconds: int | None) -> float:
    """Jackson writes dates as milliseconds since the epoch."""
    return milliseconds / 1000 if milliseconds else 0.0
