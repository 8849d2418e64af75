"""The Python language host of the sandbox, through which the engine runs programs and policy packs.

The engine starts it as `pulumi-language-python <engine address>`, reads the port it prints and calls it over gRPC.
Each program or policy pack runs in its own process, with the Python of the project's virtual environment.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent import futures
from pathlib import Path
from typing import Any, NoReturn

import grpc
from google.protobuf import empty_pb2, struct_pb2
from pulumi.runtime.proto import LanguageRuntimeServicer, language_pb2, language_pb2_grpc, plugin_pb2

_PROGRAM_RUNNER = Path(__file__).with_name("program.py")
_PARENT_CHECK_SECONDS = 0.5
# Larger than any configuration or resource; the engine uses the same limit.
_MESSAGE_BYTES = 400 * 1024 * 1024


class LanguageHost(LanguageRuntimeServicer):
    """Runs Python programs and plugins for the engine at `engine_address`."""

    def __init__(self, engine_address: str) -> None:
        self._engine_address = engine_address
        self._children: set[subprocess.Popen[bytes]] = set()

    def Handshake(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Negotiate nothing."""
        return language_pb2.LanguageHandshakeResponse()

    def GetPluginInfo(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Return no version: the host has none."""
        return plugin_pb2.PluginInfo()

    def GetRequiredPackages(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Return nothing: each resource names its plugin and version at registration."""
        return language_pb2.GetRequiredPackagesResponse()

    def About(self, request: Any, context: Any) -> Any:  # noqa: N802
        """The interpreter in use, for `pulumi about`."""
        version = ".".join(str(part) for part in sys.version_info[:3])
        return language_pb2.AboutResponse(executable=interpreter(request.info), version=version)

    def GetProgramDependencies(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Report no dependencies."""
        return language_pb2.GetProgramDependenciesResponse()

    def InstallDependencies(self, request: Any, context: Any) -> Iterator[Any]:  # noqa: N802
        """Refuse: `make venv` makes the virtual environment."""
        context.abort(grpc.StatusCode.FAILED_PRECONDITION, "Run `make venv` to install the project's packages.")
        yield from ()

    def Run(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Run the program once. It reports its own errors to the engine, so a failure only returns `bail`."""
        command = program_command(interpreter(request.info), self._engine_address)
        child = self._spawn(command, request.pwd, stdin=subprocess.PIPE)
        context.add_callback(child.kill)
        child.communicate(request.SerializeToString())
        self._children.discard(child)
        return language_pb2.RunResponse(bail=child.returncode != 0)

    def RunPlugin(self, request: Any, context: Any) -> Iterator[Any]:  # noqa: N802
        """Run a plugin written in Python, such as a policy pack, and stream its output line by line."""
        target = Path(request.info.program_directory) / request.info.entry_point
        child = self._spawn(
            [interpreter(request.info), "-u", str(target), *request.args],
            request.pwd,
            env={**os.environ, **dict(pair.split("=", 1) for pair in request.env)},
            stdout=subprocess.PIPE,
        )
        context.add_callback(child.kill)
        with child:
            for line in child.stdout or ():
                yield language_pb2.RunPluginResponse(stdout=line)
        self._children.discard(child)
        yield language_pb2.RunPluginResponse(exitcode=child.returncode)

    def Cancel(self, request: Any, context: Any) -> Any:  # noqa: N802
        """End all running programs and plugins."""
        self.kill_children()
        return empty_pb2.Empty()

    def kill_children(self) -> None:
        """End every program and plugin that still runs."""
        for child in list(self._children):
            child.kill()

    def end(self) -> NoReturn:
        """End this process and all that it runs."""
        self.kill_children()
        os._exit(0)

    def _spawn(self, command: list[str], directory: str, **options: Any) -> subprocess.Popen[bytes]:
        child = subprocess.Popen(command, cwd=directory or None, **{"stdin": subprocess.DEVNULL, **options})
        self._children.add(child)
        return child


def program_command(python: str, engine_address: str) -> list[str]:
    """The command that runs a program once; it reads the engine's request from standard input."""
    return [python, "-u", str(_PROGRAM_RUNNER), engine_address]


def interpreter(info: Any) -> str:
    """The Python of the project's `virtualenv` option, else the one that runs the host."""
    options: struct_pb2.Struct = info.options
    name = options.fields["virtualenv"].string_value if "virtualenv" in options.fields else ""
    candidate = Path(info.root_directory) / name / "bin" / "python"
    return str(candidate) if name and candidate.exists() else sys.executable


def exit_with_parent(host: LanguageHost) -> None:
    """End this process and its children soon after the engine has ended, even if it was killed."""
    parent = os.getppid()

    def watch() -> None:
        pause = threading.Event()
        while os.getppid() == parent:
            pause.wait(_PARENT_CHECK_SECONDS)
        host.end()

    threading.Thread(target=watch, daemon=True).start()


def main() -> None:
    """Serve on a free loopback port until the engine ends the process. Print the port.

    The engine sends SIGINT to every plugin and waits up to five seconds for each that does not end.
    """
    host = LanguageHost(sys.argv[-1])
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: host.end())
    exit_with_parent(host)
    limits = [("grpc.max_send_message_length", _MESSAGE_BYTES), ("grpc.max_receive_message_length", _MESSAGE_BYTES)]
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=16), options=limits)
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(host, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    server.wait_for_termination()


if __name__ == "__main__":
    main()
