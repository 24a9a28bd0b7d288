"""A process that starts warm behaves as `python -m` does: output, status, signals, and no leftovers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from helpers.book import warm

WARM = [sys.executable, "-m", "helpers.book.warm"]
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere every process starts the plain way")


def module(folder: Path, text: str) -> dict[str, str]:
    """Write `job.py` into a folder; the environment in which `-m job` finds it."""
    (folder / "job.py").write_text(text, encoding="utf-8")
    return {**os.environ, "COLOUR": "blue"}


def both(folder: Path, text: str, *arguments: str) -> list[subprocess.CompletedProcess]:
    """Run a module warm, and the plain way."""
    environment = module(folder, text)
    plain = {name: value for name, value in environment.items() if name != warm.VARIABLE}
    command = [*WARM, "job", *arguments]
    more = {"cwd": folder, "capture_output": True, "text": True, "input": "from outside"}
    return [subprocess.run(command, env=given, check=False, **more) for given in (environment, plain)]


def test_output_arguments_folder_environment_and_status_are_those_of_a_plain_process(tmp_path) -> None:
    text = (
        "import os, sys\n"
        "print(__name__, sys.argv[1:], os.getcwd(), os.environ['COLOUR'], sys.stdin.read(), sys.path[0])\n"
        "print('complaint', file=sys.stderr)\nsys.exit(7)\n"
    )
    held, plain = both(tmp_path, text, "a", "b c")
    assert (held.stdout, held.stderr, held.returncode) == (plain.stdout, plain.stderr, plain.returncode)
    assert held.stdout.split()[0] == "__main__" and held.returncode == 7


def test_libraries_are_there_already_and_ours_and_torch_are_not(tmp_path) -> None:
    text = (
        "import sys\nprint('pandas' in sys.modules, 'torch' in sys.modules)\n"
        "print(sorted(m for m in sys.modules if m.startswith('helpers.')))\n"
    )
    held, plain = both(tmp_path, text)
    assert held.stdout.splitlines() == ["True False", "['helpers.book']"]
    assert plain.stdout.splitlines()[0] == "False False"


def test_two_processes_do_not_draw_the_same_random_numbers(tmp_path) -> None:
    text = "import random, numpy\nprint(random.random(), numpy.random.rand())\n"
    first, second = both(tmp_path, text)[0], both(tmp_path, text)[0]
    assert set(first.stdout.split()).isdisjoint(second.stdout.split())


def test_an_error_is_shown_and_a_signal_is_passed_on(tmp_path) -> None:
    held, _ = both(tmp_path, "raise ValueError('no such thing')\n")
    assert held.returncode == 1 and "ValueError: no such thing" in held.stderr
    process, number = sleeper(tmp_path)
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == -signal.SIGTERM
    assert gone(number)


def test_whoever_asked_is_killed_and_the_process_ends_too(tmp_path) -> None:
    process, number = sleeper(tmp_path)
    process.kill()
    process.wait(10)
    assert gone(number)


def test_the_end_of_the_nursery_ends_its_processes(tmp_path) -> None:
    with warm.nursery({"tables": ()}) as held:
        process, number = sleeper(tmp_path, **held)
    assert gone(number)
    assert process.wait(10) == 1, "who waited is told by the closed connection"


def test_a_holder_that_is_gone_is_a_clear_error(tmp_path) -> None:
    environment = {**module(tmp_path, ""), warm.VARIABLE: str(tmp_path / "nowhere")}
    done = subprocess.run([*WARM, "job"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.strip() == warm.GONE


def sleeper(folder: Path, **variables: str) -> tuple[subprocess.Popen, int]:
    """A warm process that sleeps, and its number, which it writes first."""
    environment = {**module(folder, SLEEP), **variables}
    process = subprocess.Popen([*WARM, "job"], cwd=folder, env=environment, stderr=subprocess.DEVNULL)
    path = folder / "number"
    until = time.monotonic() + 60
    while not path.exists() and time.monotonic() < until:
        time.sleep(0.05)
    return process, int(path.read_text())


SLEEP = """
import os, time
with open("part", "w") as file:
    file.write(str(os.getpid()))
os.replace("part", "number")
time.sleep(600)
"""


def gone(number: int) -> bool:
    """Whether a process has ended, within ten seconds."""
    until = time.monotonic() + 10
    while time.monotonic() < until:
        if not Path(f"/proc/{number}").exists():
            return True
        time.sleep(0.05)
    return False
