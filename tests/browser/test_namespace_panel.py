"""The panel lists the namespace's other sessions to whoever looks, and does nothing with them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Locator, expect

from sparkk8s_nb.embedded.lifecycle import EmbeddedCluster
from sparkk8s_nb.kube.lease import lease_manifest
from sparkk8s_nb.model.labels import RECORD, session_labels
from sparkk8s_nb.model.record import Holder, SessionRecord
from sparkk8s_nb.model.spec import GIB, ClusterTarget, ExecutorSpec, SessionSpec, TargetKind
from tests.browser.jupyter import Jupyter
from tests.browser.pages import SECONDS, LabPage
from tests.embedded.kernels import adapter

THEIRS = "spark-grace-1"


@pytest.fixture(scope="module")
def theirs(embedded_cluster: EmbeddedCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A session of somebody else's, on another machine."""
    spec = SessionSpec(
        name=THEIRS,
        owner="grace",
        notebook="salaries",
        target=ClusterTarget(kind=TargetKind.EMBEDDED, namespace="default"),
        executors=3,
        executor=ExecutorSpec(memory=2 * GIB, cores=4),
        image="spark",
    )
    record = SessionRecord(
        name=spec.name,
        owner=spec.owner,
        notebook=spec.notebook,
        namespace="default",
        holder=Holder(boot="another machine's", pid=7, started=1.0),
        app_id="spark-1",
        executors=3,
        cores=4,
        memory=2 * GIB,
        started=time.time() - 4800,
    )
    lease = lease_manifest(
        THEIRS,
        "default",
        labels=session_labels(spec),
        annotations={RECORD: record.as_json()},
        holder=THEIRS,
        duration_seconds=120,
        now=time.time(),
    )
    cluster = adapter(embedded_cluster, tmp_path_factory.mktemp("api"))
    cluster.create(lease)
    yield THEIRS
    cluster.delete("Lease", THEIRS)
    cluster.close()


@pytest.fixture(scope="module")
def asked() -> list[str]:
    """The page's requests for them."""
    return []


@pytest.fixture(scope="module")
def lab(theirs: str, asked: list[str], jupyter: Jupyter, new_page: Callable[[Jupyter], LabPage]) -> LabPage:
    """JupyterLab with the panel closed; no session of this server's own."""
    jupyter.write("nothing.ipynb", ["1"])
    lab = new_page(jupyter)

    def note(url: str) -> None:
        if "/sparkk8s/api/namespace" in url:
            asked.append(url)

    lab.page.on("request", lambda request: note(request.url))
    lab.open("nothing.ipynb", workspace="namespace")
    return lab


@pytest.fixture
def others(lab: LabPage) -> Locator:
    """That part of the panel."""
    return lab.panel.locator(".jp-Spark-others")


def test_they_are_folded_until_somebody_looks(lab: LabPage, asked: list[str], others: Locator) -> None:
    """And not asked for before the panel is seen."""
    expect(lab.panel).not_to_be_visible()
    assert not asked
    lab.open_panel()
    expect(others).to_be_visible(timeout=60 * SECONDS)
    expect(others.get_by_role("button")).to_have_attribute("aria-expanded", "false")
    expect(others.locator(".jp-Spark-other")).not_to_be_visible()
    assert len(asked) == 1


def test_each_is_told_with_its_owner_and_size_and_nothing_can_be_done_with_it(
    lab: LabPage, others: Locator
) -> None:
    """Its notebook's name is nobody's business."""
    others.get_by_role("button").click()
    row = others.locator(".jp-Spark-other")
    expect(row).to_contain_text(THEIRS, timeout=60 * SECONDS)
    expect(row).to_contain_text("grace · 3 executors · for 1 h")
    expect(row).to_contain_text("elsewhere")
    expect(others.get_by_role("button")).to_have_count(1)
    expect(others).not_to_contain_text("salaries")
    expect(lab.card).to_have_count(0)
