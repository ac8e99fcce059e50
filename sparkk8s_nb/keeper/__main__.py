"""``python -m sparkk8s_nb.keeper READY_FD``: the plan and then messages on stdin, a log on stderr."""

from __future__ import annotations

import contextlib
import logging
import os
import select
import signal
import sys

from sparkk8s_nb.apiserver import ApiServer
from sparkk8s_nb.keeper.cleanup import Cleanup
from sparkk8s_nb.keeper.client import Client
from sparkk8s_nb.keeper.lifeline import lifeline
from sparkk8s_nb.keeper.loop import Inbox, Loop, Outcome
from sparkk8s_nb.keeper.plan import KeeperPlan

logger = logging.getLogger("keeper")

PLAN_SECONDS = 60.0


class Signals:
    """INT and HUP are the terminal's business, not ours; TERM is remembered and wakes the loop."""

    def __init__(self) -> None:
        self.terminated = False
        self.wakeup, self._write = os.pipe()
        os.set_blocking(self._write, False)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, self._terminate)
        signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)

    def _terminate(self, _number: int, _frame: object) -> None:
        self.terminated = True


def read_plan(fd: int) -> KeeperPlan:
    """The first line of stdin, byte by byte: what comes behind it is the loop's."""
    data = bytearray()
    while not data.endswith(b"\n"):
        if not select.select([fd], [], [], PLAN_SECONDS)[0]:
            raise TimeoutError(f"no plan came in {PLAN_SECONDS} s")
        piece = os.read(fd, 1)
        if not piece:
            raise EOFError("the kernel went before it told the plan")
        data += piece
    return KeeperPlan.from_json(bytes(data))


def main() -> int:
    """Keep one session to its end."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    signals = Signals()
    ready = int(sys.argv[1])
    plan = read_plan(sys.stdin.fileno())
    client = Client(ApiServer(plan.access), plan.namespace, plan.selector)
    kernel = lifeline(plan.kernel)
    loop = Loop(
        plan,
        client,
        kernel,
        Inbox(sys.stdin.fileno()),
        wakeup=signals.wakeup,
        terminated=lambda: signals.terminated,
    )
    logger.info("keeping %s for process %s", plan.lease, plan.kernel.pid)
    with contextlib.suppress(BrokenPipeError):  # the kernel is gone already: the loop finds out
        os.write(ready, b"ready\n")
    os.close(ready)
    outcome = loop.run()
    logger.info("end: %s", outcome.name.lower().replace("_", " "))
    if outcome in (Outcome.KERNEL_GONE, Outcome.FINISHED):
        done = Cleanup(plan, client, drivers=loop.drivers, paths=loop.paths).run()
        return 0 if done else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
