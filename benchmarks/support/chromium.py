"""A browser for a benchmark, and what is asked of a page of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, CDPSession, Page, sync_playwright

from tests.browser.chromium import CHROMIUM, FLAGS


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser without a past, for as long as the block lasts."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


def counters(page: Page) -> CDPSession:
    """A line to the browser's own counters for a page."""
    cdp = page.context.new_cdp_session(page)
    cdp.send("Performance.enable", {"timeDomain": "threadTicks"})
    return cdp


def heap(cdp: CDPSession) -> int:
    """Bytes in use after a forced collection."""
    cdp.send("HeapProfiler.collectGarbage")
    return int(cdp.send("Runtime.getHeapUsage")["usedSize"])


def cpu_seconds(cdp: CDPSession) -> float:
    """Seconds of CPU of the main thread's tasks, painting included."""
    metrics = {one["name"]: one["value"] for one in cdp.send("Performance.getMetrics")["metrics"]}
    return float(metrics["TaskDuration"])
