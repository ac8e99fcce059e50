"""The local proxy in front of a real Spark UI with Spark's own signature filter."""

from __future__ import annotations

import base64
import http.client
import json
import os
import re
import subprocess
import sys
import time
from urllib.parse import urlsplit

import pytest

from sparkk8s_nb.server.jws import authorization, sign

from .conftest import LONG, Browser

DRIVER = """
import os, sys
from pyspark.sql import SparkSession
builder = SparkSession.builder.master("local[1]")
for key, value in {
    "spark.ui.filters": "org.apache.spark.ui.JWSFilter",
    "spark.org.apache.spark.ui.JWSFilter.param.secretKey": os.environ["UI_KEY"],
    "spark.ui.port": "0",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.memory": "512m",
    "spark.ui.showConsoleProgress": "false",
}.items():
    builder = builder.config(key, value)
spark = builder.getOrCreate()
spark.range(10).selectExpr("sum(id)").collect()
print("PORT", spark.sparkContext._jsc.sc().ui().get().boundPort(), flush=True)
sys.stdin.read()
spark.stop()
"""


@pytest.fixture(scope="module")
def place(make_place):
    """A session whose driver is a real one, with one core and one job done."""
    place = make_place()
    key = base64.urlsafe_b64encode(place.key).decode()
    command = [sys.executable, "-c", DRIVER]
    environ = {"UI_KEY": key, "SPARK_LOCAL_IP": "127.0.0.1"}
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=place.record.parent,
        env={**os.environ, **environ},
    ) as driver:
        try:
            line = next((line for line in driver.stdout if line.startswith("PORT ")), "")
            assert line, "the driver did not start"
            place.write(f"http://127.0.0.1:{line.split()[1]}")
            yield place
            driver.stdin.close()
            driver.wait(LONG)
        finally:
            driver.kill()


@pytest.fixture(scope="module")
def ui_port(place):
    """Where the UI itself listens."""
    return urlsplit(json.loads(place.record.read_text())["ui_url"]).port


@pytest.fixture(scope="module")
def browser(place):
    """A browser that is in."""
    return place.browser()


def direct(port, path="/jobs/", **headers):
    """The status of a request past the proxy."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LONG)
    connection.request("GET", path, headers={**headers, "Connection": "close"})
    with connection.getresponse() as response:
        response.read()
        return response.status


def test_sparks_filter_takes_our_signature_and_no_other(place, ui_port):
    """A false key, a signature that is too old, another scheme."""
    now = time.time()
    assert direct(ui_port) == 403
    assert direct(ui_port, Authorization=authorization(place.key, now=now)) == 200
    assert direct(ui_port, Authorization=f"Bearer {sign(place.key, {})}") == 200
    assert direct(ui_port, Authorization=authorization(bytes(32), now=now)) == 403
    assert direct(ui_port, Authorization=authorization(place.key, now=now - 600)) == 403
    assert direct(ui_port, Authorization=f"Basic {sign(place.key, {})}") == 403


def test_without_a_cookie_the_real_ui_is_closed(browser):
    """As its filter is without a signature."""
    assert Browser(browser.port).get(f"{browser.base}/jobs/").status == 403


def test_the_first_page_is_the_list_of_jobs(browser):
    """Spark redirects to host and port, Jetty to a bare path: both stay under our base."""
    for path in ("/", "/jobs", "/nothing-here"):
        answer = browser.page(path)
        assert answer.status in (301, 302)
        assert answer.headers["Location"] == f"{browser.base}/jobs/", path
    assert "Completed Jobs" in browser.page("/jobs/").text


@pytest.mark.parametrize(
    "path",
    ["/jobs/", "/jobs/job/?id=0", "/stages/", "/stages/stage/?id=0&attempt=0", "/storage/", "/environment/",
     "/executors/", "/executors/threadDump/?executorId=driver", "/SQL/", "/SQL/execution/?id=0"],
)  # fmt: skip
def test_every_page_leads_only_to_what_is_under_our_base(browser, path):
    """Links, scripts and styles; the page's scripts get the base too; the UI's own address is in no link."""
    answer = browser.page(path)
    assert answer.status == 200
    links = set(re.findall(r'\s(?:href|src|action)="([^"#?][^"]*)"', answer.text))
    assert links
    fine = (f"{browser.base}/", "https://", "data:")
    assert [link for link in links if not link.startswith(fine)] == []
    assert f"setUIRoot('{browser.base}')" in answer.text


def test_scripts_styles_and_pictures_are_served(browser):
    """Whatever the pages load."""
    pages = [browser.page(path).text for path in ("/jobs/", "/executors/", "/stages/stage/?id=0&attempt=0")]
    loaded = set(re.findall(rf'(?:href|src)="({browser.base}/static/[^"]+)"', "".join(pages)))
    assert {link.rpartition(".")[2] for link in loaded} >= {"js", "css", "svg"}
    for link in sorted(loaded):
        answer = browser.get(link)
        assert (answer.status, bool(answer.body)) == (200, True), link
        assert len(answer.body) == int(answer.headers["Content-Length"])


def test_the_executors_page_gets_its_rows(browser):
    """Its script asks for a template and for two lists, all under the base it was told."""
    assert browser.page("/static/executorspage-template.html").status == 200
    [app] = json.loads(browser.page("/api/v1/applications").body)
    executors = json.loads(browser.page(f"/api/v1/applications/{app['id']}/allexecutors").body)
    assert [row["id"] for row in executors] == ["driver"]
    assert browser.page(f"/api/v1/applications/{app['id']}/allmiscellaneousprocess").status == 200


def test_compressed_pages_pass_as_they_are(browser):
    """Neither unpacked nor packed again."""
    answer = browser.page("/jobs/", Accept_Encoding="gzip")
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.body[:2] == b"\x1f\x8b"


def test_a_page_that_was_not_changed_is_not_sent_again(browser):
    """The browser's cache works through the proxy."""
    changed = browser.page("/static/webui.css").headers["Last-Modified"]
    assert browser.page("/static/webui.css", If_Modified_Since=changed).status == 304


def test_the_ui_sets_no_cookie_that_would_be_missed(place, ui_port):
    """Were there one, leaving cookies out would break a page."""
    connection = http.client.HTTPConnection("127.0.0.1", ui_port, timeout=LONG)
    signed = authorization(place.key, now=time.time())
    connection.request("GET", "/jobs/", headers={"Authorization": signed, "Connection": "close"})
    with connection.getresponse() as response:
        assert response.headers["Set-Cookie"] is None
