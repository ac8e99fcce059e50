"""Container logs: from the end, since a moment, with times, and as they grow."""

from __future__ import annotations

import asyncio
import bisect
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sparkk8s_nb.embedded import status
from sparkk8s_nb.embedded.addresses import Target
from sparkk8s_nb.embedded.objects import Object, name_of, parse_time
from sparkk8s_nb.embedded.web import Handler

CHUNK = 64 * 1024
FOLLOW_SECONDS = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class LogOptions:
    """``v1.PodLogOptions`` as far as they are known here."""

    container: str = ""
    follow: bool = False
    previous: bool = False
    timestamps: bool = False
    tail: int | None = None
    limit: int | None = None
    since: datetime | None = None

    @classmethod
    def read(cls, query: dict[str, str], now: datetime) -> LogOptions:
        """From a request's query.

        >>> LogOptions.read({"tailLines": "3", "follow": "true"}, datetime.now(UTC)).tail
        3

        Raises
        ------
        StatusError
            400 or 422 for values that cannot be.
        """
        since = None
        if seconds := _number(query, "sinceSeconds", least=1):
            since = now - timedelta(seconds=seconds)
        elif text := query.get("sinceTime"):
            try:
                since = parse_time(text)
            except ValueError as error:
                raise status.bad_request(f"invalid sinceTime {text!r}") from error
        return cls(
            container=query.get("container", ""),
            follow=query.get("follow") in ("true", "1", "True"),
            previous=query.get("previous") in ("true", "1", "True"),
            timestamps=query.get("timestamps") in ("true", "1", "True"),
            tail=_number(query, "tailLines", least=0),
            limit=_number(query, "limitBytes", least=1),
            since=since,
        )


def _number(query: dict[str, str], key: str, *, least: int) -> int | None:
    text = query.get(key)
    if text in (None, ""):
        return None
    if not str(text).isdigit() or int(str(text)) < least:
        raise status.StatusError(
            422,
            "Invalid",
            f'PodLogOptions "" is invalid: {key}: Invalid value: "{text}": must be at least {least}',
        )
    return int(str(text))


def choose_container(pod: Object, wanted: str) -> str:
    """The container whose log is meant.

    Raises
    ------
    StatusError
        400 where that is not clear.
    """
    names = [each["name"] for each in pod["spec"].get("containers") or []]
    all_names = [*(each["name"] for each in pod["spec"].get("initContainers") or []), *names]
    if not wanted:
        if len(names) == 1:
            return str(names[0])
        raise status.bad_request(
            f"a container name must be specified for pod {name_of(pod)}, choose one of: [{' '.join(all_names)}]"
        )
    if wanted not in all_names:
        raise status.bad_request(f"container {wanted} is not valid for pod {name_of(pod)}")
    return wanted


class LogFile:
    """One log file and its index of times (lines of ``offset nanoseconds``, one for each piece written)."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._offsets: list[int] = []
        self._times: list[int] = []
        self._index_read = 0

    def size(self) -> int:
        """Bytes in the file now."""
        try:
            return self.path.stat().st_size
        except FileNotFoundError:
            return 0

    def read(self, offset: int, count: int) -> bytes:
        """Bytes from an offset."""
        try:
            with self.path.open("rb") as file:
                file.seek(offset)
                return file.read(count)
        except FileNotFoundError:
            return b""

    def tail_offset(self, lines: int) -> int:
        """Where the last ``lines`` lines begin."""
        size = position = self.size()
        found = -1 if size and self.read(size - 1, 1) == b"\n" else 0
        if lines == 0:
            return size
        while position > 0:
            start = max(0, position - CHUNK)
            block = self.read(start, position - start)
            at = len(block)
            while (at := block.rfind(b"\n", 0, at)) >= 0:
                found += 1
                if found == lines:
                    return start + at + 1
            position = start
        return 0

    def time_of(self, offset: int) -> int:
        """When the byte at an offset was written, in nanoseconds since the epoch."""
        self._load_index()
        place = bisect.bisect_right(self._offsets, offset) - 1
        return self._times[place] if place >= 0 else 0

    def since_offset(self, moment: datetime) -> int:
        """Where the output since a moment begins."""
        self._load_index()
        place = bisect.bisect_left(self._times, int(moment.timestamp() * 1e9))
        return self._offsets[place] if place < len(self._offsets) else self.size()

    def _load_index(self) -> None:
        index = self.path.with_name(self.path.name + ".index")
        try:
            with index.open("rb") as file:
                file.seek(self._index_read)
                data = file.read()
        except FileNotFoundError:
            return
        complete = data[: data.rfind(b"\n") + 1]
        self._index_read += len(complete)
        for line in complete.splitlines():
            offset, _, moment = line.partition(b" ")
            self._offsets.append(int(offset))
            self._times.append(int(moment))


def stamped(log: LogFile, data: bytes, offset: int, *, fresh_line: bool) -> bytes:
    """Data with each line's time in front of it; ``offset`` is where the data begins in the file."""
    return b"".join(_stamped_parts(log, data, offset, fresh_line=fresh_line))


def _stamped_parts(log: LogFile, data: bytes, offset: int, *, fresh_line: bool) -> Iterator[bytes]:
    for line in data.splitlines(keepends=True):
        if fresh_line:
            seconds, nanoseconds = divmod(log.time_of(offset), 10**9)
            moment = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
            yield f"{moment}.{nanoseconds:09d}Z ".encode()
        yield line
        offset += len(line)
        fresh_line = line.endswith(b"\n")


async def stream_log(handler: Handler, target: Target, query: dict[str, str], closed: asyncio.Event) -> None:
    """Answer a request for a log; with ``follow`` until the container or the client ends.

    Raises
    ------
    StatusError
        400 where there is no log (yet), 404 where there is no pod.
    """
    site = handler.site
    pod = site.store.get(target.resource, target.namespace or "", target.name)
    options = LogOptions.read(query, site.registry.clock())
    container = choose_container(pod, options.container)
    path = site.logs.path(pod, container, previous=options.previous)
    if path is None:
        if options.previous:
            raise status.bad_request(
                f'previous terminated container "{container}" in pod "{name_of(pod)}" not found'
            )
        raise status.bad_request(
            f'container "{container}" in pod "{name_of(pod)}" is waiting to start: ContainerCreating'
        )
    log = LogFile(path)
    offset = log.since_offset(options.since) if options.since else 0
    if options.tail is not None:
        offset = max(offset, log.tail_offset(options.tail))
    left = options.limit if options.limit is not None else -1
    handler.set_header("Content-Type", "text/plain")
    fresh = True
    while not closed.is_set() and left != 0:
        growing = options.follow and site.logs.is_running(pod, container)
        data = log.read(offset, CHUNK)
        if data:
            shown = stamped(log, data, offset, fresh_line=fresh) if options.timestamps else data
            shown = shown if left < 0 else shown[:left]
            left = left if left < 0 else left - len(shown)
            offset, fresh = offset + len(data), data.endswith(b"\n")
            handler.write(shown)
            await handler.flush()
        elif growing:
            await handler.flush()
            await asyncio.sleep(FOLLOW_SECONDS)
            offset = min(offset, log.size())
        else:
            break
    await handler.finish()
