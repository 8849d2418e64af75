"""The Python language host, without an engine."""

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from google.protobuf import struct_pb2
from pulumi.runtime.proto import language_pb2

from sandbox import language, program
from tests.support.rendering import ROOT
from tests.support.servers import eventually

pytestmark = pytest.mark.unit


def _info(folder: Path, **options: str) -> language_pb2.ProgramInfo:
    values = struct_pb2.Struct()
    values.update(options)
    return language_pb2.ProgramInfo(
        root_directory=str(folder), program_directory=str(folder), entry_point=".", options=values
    )


def test_the_projects_virtual_environment_is_used_when_it_is_there(tmp_path: Path) -> None:
    assert language.interpreter(_info(tmp_path, virtualenv=".venv")) == sys.executable
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch()
    assert language.interpreter(_info(tmp_path, virtualenv=".venv")) == str(python)
    assert language.interpreter(_info(tmp_path)) == sys.executable


def test_a_program_is_its_directorys_main_module_or_the_named_file(tmp_path: Path) -> None:
    request = language_pb2.RunRequest(info=_info(tmp_path))
    assert program.program_path(request) == tmp_path / "__main__.py"
    request.info.entry_point = "other.py"
    assert program.program_path(request) == tmp_path / "other.py"


def test_a_stack_trace_begins_in_the_program(tmp_path: Path) -> None:
    import runpy

    file = tmp_path / "__main__.py"
    file.write_text("def fail():\n    raise ValueError('what went wrong')\n\nfail()\n")
    with pytest.raises(ValueError, match="what went wrong") as raised:
        runpy.run_path(str(file))
    lines = program.trace(raised.value).splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[1] == f'  File "{file}", line 4, in <module>'
    assert lines[-1] == "ValueError: what went wrong"


class Context:
    """The part of gRPC's context that the host uses."""

    def __init__(self) -> None:
        self.callbacks: list[Callable[[], None]] = []

    def add_callback(self, callback: Callable[[], None]) -> None:
        self.callbacks.append(callback)


def test_the_program_is_told_where_the_engine_listens_to_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = tmp_path / "runner.py"
    runner.write_text("import pathlib, sys\npathlib.Path('told').write_text(sys.argv[1])\n")
    monkeypatch.setattr(language, "_PROGRAM_RUNNER", runner)
    request = language_pb2.RunRequest(pwd=str(tmp_path), info=_info(tmp_path))
    assert not language.LanguageHost("127.0.0.1:4711").Run(request, Context()).bail
    assert (tmp_path / "told").read_text() == "127.0.0.1:4711"


def test_a_plugins_output_and_exit_code_are_streamed(tmp_path: Path) -> None:
    (tmp_path / "__main__.py").write_text("import os, sys\nprint(os.environ['X'], *sys.argv[1:])\nsys.exit(3)\n")
    request = language_pb2.RunPluginRequest(pwd=str(tmp_path), args=["a", "b"], env=["X=y"], info=_info(tmp_path))
    responses = list(language.LanguageHost("").RunPlugin(request, Context()))
    assert [response.stdout for response in responses[:-1]] == [b"y a b\n"]
    assert responses[-1].exitcode == 3


STUBBORN = """
import os, pathlib, signal, time
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, signal.SIG_IGN)
pathlib.Path("new").write_text(str(os.getpid()))
os.rename("new", "began")
time.sleep(60)
"""


@pytest.fixture(params=["a program", "a policy pack"])
def stubborn(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[language.LanguageHost, Context, Future[bool]]]:
    """A host that runs what ignores signals, the context of the engine's call, and whether it will have failed."""
    main = tmp_path / "__main__.py"
    main.write_text(STUBBORN)
    monkeypatch.setattr(language, "_PROGRAM_RUNNER", main)
    host, context, info = language.LanguageHost("127.0.0.1:9"), Context(), _info(tmp_path)

    def run() -> bool:
        return bool(host.Run(language_pb2.RunRequest(pwd=str(tmp_path), info=info), context).bail)

    def run_plugin() -> bool:
        responses = host.RunPlugin(language_pb2.RunPluginRequest(pwd=str(tmp_path), info=info), context)
        return bool([*responses][-1].exitcode != 0)

    with ThreadPoolExecutor(1) as pool:
        failed = pool.submit(run if request.param == "a program" else run_plugin)
        try:
            eventually((tmp_path / "began").exists, seconds=60, what=request.param)
            assert not failed.done()
            yield host, context, failed
        finally:
            host.kill_children()


def test_what_ignores_signals_ends_when_the_engine_takes_its_call_back(
    stubborn: tuple[language.LanguageHost, Context, Future[bool]],
) -> None:
    _, context, failed = stubborn
    for callback in context.callbacks:
        callback()
    assert failed.result(timeout=30)


def test_what_ignores_signals_ends_when_the_engine_cancels(
    stubborn: tuple[language.LanguageHost, Context, Future[bool]],
) -> None:
    host, context, failed = stubborn
    host.Cancel(None, context)
    assert failed.result(timeout=30)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_host_ends_when_the_engine_asks_it_to(number: signal.Signals) -> None:
    command = [sys.executable, "-P", str(ROOT / "sandbox" / "language.py"), "127.0.0.1:9"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as host:
        assert host.stdout
        assert int(host.stdout.readline()) > 0
        host.send_signal(number)
        assert host.wait(timeout=60) == 0
