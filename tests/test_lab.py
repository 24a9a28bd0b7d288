"""JupyterLab in a real browser: a first page, a text notebook as a notebook, a slider that moves its figure."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

import browser
import views
from chapters import EXECUTED

# what the page asks its own server again and again, cut short when another page is opened
EXPECTED = re.compile(r"failed: http://127\.0\.0\.1:\d+/(lab/)?api/")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory):
    """`make lab` on a copy of the project that holds only what the test opens; the server's address."""
    project, home = tmp_path_factory.mktemp("project"), tmp_path_factory.mktemp("home")
    (notebook,) = EXECUTED["test_lab"]
    for name in ("START.md", "jupytext.toml", f"notebooks/{notebook}.py"):
        (project / name).parent.mkdir(exist_ok=True)
        shutil.copy(name, project / name)
    shutil.copytree(".jupyter", project / ".jupyter")
    views.results(project / "results", {"threshold": views.threshold_view()})
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    known = {name: value for name, value in os.environ.items() if not name.startswith("JUPYTER")}
    environment = known | {"HOME": str(home), "JUPYTER_CONFIG_PATH": str(project / ".jupyter")}
    environment |= {"PYTHONPATH": os.pathsep.join([str(Path("src").resolve()), known.get("PYTHONPATH", "")])}
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--port={port}"]
    command += ["--IdentityProvider.token=", "--ServerApp.password=", "--ServerApp.port_retries=0"]
    with open(home / "log", "w", encoding="utf-8") as log:
        done = subprocess.Popen(command, cwd=project, env=environment, stdout=log, stderr=log)
        try:
            _wait(f"http://127.0.0.1:{port}/api", home / "log", done)
            yield f"http://127.0.0.1:{port}"
        finally:
            done.terminate()
            done.wait(timeout=30)


def _wait(address: str, log: Path, server: subprocess.Popen) -> None:
    for _ in range(240):
        assert server.poll() is None, log.read_text(encoding="utf-8")[-2000:]
        try:
            urllib.request.urlopen(address, timeout=5).close()
            return
        except OSError:
            time.sleep(0.5)
    raise AssertionError(log.read_text(encoding="utf-8")[-2000:])


def test_a_notebook_opens_as_a_notebook_and_a_slider_moves_its_figure(server):
    with browser.reader() as (page, seen):
        page.set_default_timeout(90_000)
        page.goto(server)
        page.get_by_role("link", name="explore").click()  # the first page says what to open
        page.wait_for_selector(".jp-Notebook .jp-Cell")
        assert page.locator(".jp-Dialog").count() == 0, "nothing is asked"
        assert page.locator(".jp-FileEditor").count() == 0
        page.get_by_text("| Idle").wait_for()  # the kernel has started
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_text("Run All Cells", exact=True).click()
        scene = page.locator(".jp-OutputArea .v-threshold")
        scene.wait_for(state="attached")
        # a view without results is a note; the notebook runs on
        page.get_by_text("run: make book STUDY=").first.wait_for(state="attached")
        page.locator(".jp-OutputArea .noUi-handle").first.scroll_into_view_if_needed()
        point = scene.locator("[data-m=roc_point]")
        before = point.get_attribute("cx"), scene.locator("[data-m=tp]").inner_text()
        handle = page.locator(".jp-OutputArea .noUi-handle").first
        handle.focus()
        for _ in range(12):
            page.keyboard.press("ArrowLeft")
        page.wait_for_function(
            "old => document.querySelector('[data-m=roc_point]').getAttribute('cx') !== old", arg=before[0]
        )
        assert page.evaluate("window.hacked") is None
        assert seen.outside == []
        assert not [text for text in seen.errors if not EXPECTED.match(text)], seen.errors
