"""Processes that start warm: forks of one process that has imported the libraries already.

A book is some hundred short processes, and importing the libraries costs each of them more than its work.
`python -m helpers.book.warm MODULE ARGUMENT...` does what `python -m MODULE ARGUMENT...` does. Within `nursery()`,
which a build opens, the module runs in a fork of a process that holds the libraries; elsewhere it runs the plain way.
Only libraries are held, never our own code, so nothing that could change between two runs of a notebook is shared.
There are two such processes, because notebooks that only read results must not see torch.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

VARIABLE = "THYROBOOK_WARM"  # the folder of the sockets, for all processes of a build
TABLES = (
    *("papermill", "jupytext", "nbformat", "ipykernel.kernelapp", "ipykernel.ipkernel", "yaml", "pydantic", "docx"),
    *("openpyxl", "numpy", "pandas", "pyarrow", "scipy.stats", "scipy.optimize", "scipy.ndimage", "scipy.spatial"),
    *("statsmodels.api", "sklearn.linear_model", "sklearn.ensemble", "sklearn.svm", "sklearn.neural_network"),
    *("matplotlib.figure", "matplotlib.backends.backend_svg", "matplotlib.backends.backend_agg", "PIL.Image"),
)
LIBRARIES = {"tables": TABLES, "torch": (*TABLES, "torch", "torch._dynamo", "torchvision", "timm", "safetensors.torch")}
# what a kernel would set before the first import; read by the libraries while they are imported
SETTINGS = {
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}
PR_SET_PDEATHSIG = 1  # Linux: a process is ended when the one it was forked from ends, however that happens
GONE = "The process that was to run this is gone. Way out: start the build again; it resumes."


@contextlib.contextmanager
def nursery(libraries: Mapping[str, Sequence[str]] = LIBRARIES) -> Iterator[dict[str, str]]:
    """Hold the processes that others are forked from, for as long as the block runs.

    Parameters
    ----------
    libraries : mapping of str to sequence of str
        Modules that each holder imports when it is first asked for a process.

    Yields
    ------
    dict
        Environment variables for the processes that shall start warm; empty where forking is not safe (outside Linux).

    Examples
    --------
    >>> with nursery({"tables": ("json",)}) as warm:
    ...     command = [sys.executable, "-m", "helpers.book.warm", "platform", "--terse"]
    ...     done = subprocess.run(command, env={**os.environ, **warm}, capture_output=True, text=True)
    >>> done.returncode, "Linux" in done.stdout or sys.platform != "linux"
    (0, True)
    """
    if sys.platform != "linux":
        yield {}
        return
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="warm-"))
        for kind, names in libraries.items():
            stack.callback(_end, _start(names, Path(folder) / kind))
        yield {VARIABLE: folder}


def _start(names: Sequence[str], path: Path) -> subprocess.Popen:
    """Start the holder of one set of libraries; it listens already when this returns."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen(128)
        number = listener.fileno()
        command = [sys.executable, "-m", "helpers.book.warm", "--serve", str(number), *names]
        # a session of its own: Ctrl-C reaches the clients, and they pass it on
        more = {"stdin": subprocess.PIPE, "pass_fds": [number], "start_new_session": True}
        return subprocess.Popen(command, env={**os.environ, **SETTINGS}, **more)


def _end(process: subprocess.Popen) -> None:
    process.stdin.close()
    process.terminate()
    process.wait()


# ------------------------------------------------------------------------------ the side that asks
def main(arguments: list[str]) -> int:
    """Run a module from the command line; see the module's text. `--torch` before it: one that needs torch."""
    kind = "torch" if arguments[:1] == ["--torch"] else "tables"
    command = arguments[1:] if kind == "torch" else arguments
    folder = os.environ.get(VARIABLE)
    if not folder:
        os.execv(sys.executable, [sys.executable, "-m", *command])
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.connect(str(Path(folder) / kind))
            _send(connection, {"command": command, "folder": os.getcwd(), "environment": dict(os.environ)})
            return _wait(connection)
        except (ConnectionError, FileNotFoundError):
            print(GONE, file=sys.stderr)
            return 1


def _send(connection: socket.socket, request: dict[str, Any]) -> None:
    """Hand over the request and our three standard streams."""
    body = json.dumps(request).encode()
    socket.send_fds(connection, [len(body).to_bytes(8, "big")], [0, 1, 2])
    connection.sendall(body)


def _wait(connection: socket.socket) -> int:
    """Wait for the end of the process, and hand on to it the signals that we get; returns its exit status."""
    process, parent = int.from_bytes(_exactly(connection, 8), "big"), os.getppid()
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, lambda number, frame: _pass_on(process, number))
    # whoever started us may be killed without a word: then we end, and the holder ends the process
    while not select.select([connection], [], [], 1.0)[0]:
        if os.getppid() != parent:
            return 1
    status = int.from_bytes(_exactly(connection, 8), "big", signed=True)
    if status < 0:
        signal.signal(-status, signal.SIG_DFL) if -status not in (signal.SIGKILL, signal.SIGSTOP) else None
        os.kill(os.getpid(), -status)
    return status


def _pass_on(process: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(process, number)


def _exactly(connection: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size:
        part = connection.recv(size - len(found))
        if not part:
            raise ConnectionError("closed")
        found += part
    return found


# ------------------------------------------------------------------------------ the side that holds the libraries
class Holder:
    """The processes that were forked, and who waits for each."""

    def __init__(self, listener: socket.socket, names: Sequence[str]) -> None:
        self.listener, self.names, self.ready = listener, names, False
        self.waiting: dict[int, tuple[int, socket.socket]] = {}  # by the descriptor of the process

    def serve(self) -> dict[str, Any]:
        """Serve until the end of standard input; returns in every forked process, with its request."""
        while True:
            connections = {connection.fileno(): number for number, (_, connection) in self.waiting.items()}
            ready, _, _ = select.select([0, self.listener, *self.waiting, *connections], [], [])
            if 0 in ready:
                self.kill(*self.waiting)
                sys.exit(0)
            for number in [n for n in ready if n in self.waiting]:
                self.report(number)
            for number in [connections[n] for n in ready if connections.get(n) in self.waiting]:
                self.kill(number)  # nobody waits any longer
            if self.listener in ready:
                request = self.fork()
                if request:
                    return request

    def fork(self) -> dict[str, Any] | None:
        """Accept one request and fork for it; returns the request in the new process and None in this one."""
        connection, _ = self.listener.accept()
        try:
            head, streams, _, _ = socket.recv_fds(connection, 8, 3)
            request = json.loads(_exactly(connection, int.from_bytes(head, "big")))
        except (ConnectionError, ValueError):
            connection.close()
            return None
        self.load()
        process = os.fork()
        if process == 0:
            os.setsid()
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            for target, stream in enumerate(streams):
                os.dup2(stream, target)
            for other in (self.listener, connection, *(c for _, c in self.waiting.values())):
                other.close()
            for number in (*streams, *self.waiting):
                os.close(number)
            return request
        for stream in streams:
            os.close(stream)
        self.waiting[os.pidfd_open(process)] = (process, connection)
        with contextlib.suppress(OSError):
            connection.sendall(process.to_bytes(8, "big"))
        return None

    def load(self) -> None:
        """Import the libraries, once, when they are first asked for."""
        if not self.ready:
            import gc

            os.environ["JPY_PARENT_PID"] = str(os.getpid())  # a kernel ends when its parent is another than at import
            # jsonschema, which checks notebooks, builds a grammar at import when this optional package is there
            sys.modules.setdefault("rfc3987_syntax", None)
            for name in self.names:
                importlib.import_module(name)
            gc.freeze()  # pages that the collector does not touch stay shared
            self.ready = True

    def report(self, number: int) -> None:
        """Tell who waits how a process ended."""
        process, connection = self.waiting.pop(number)
        status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
        with contextlib.suppress(OSError):
            connection.sendall(status.to_bytes(8, "big", signed=True))
        connection.close()
        os.close(number)

    def kill(self, *numbers: int) -> None:
        """End processes, and what they started in their group."""
        for number in numbers:
            process, _ = self.waiting[number]
            for kill in (os.killpg, os.kill):  # the group may not be there yet
                with contextlib.suppress(ProcessLookupError):
                    kill(process, signal.SIGKILL)
            self.report(number)


def _become(request: Mapping[str, Any]) -> None:
    """Run the module in this new process as `python -m` does."""
    import random

    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["folder"])
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, signal.default_int_handler if name == signal.SIGINT else signal.SIG_DFL)
    random.seed()
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()
    module, *sys.argv[1:] = request["command"]
    sys.path[0] = os.getcwd()
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        _become(Holder(socket.socket(fileno=int(sys.argv[2])), sys.argv[3:]).serve())
    else:
        sys.exit(main(sys.argv[1:]))
