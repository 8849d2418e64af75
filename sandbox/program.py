"""Runs one Pulumi program: reads the engine's request from standard input, exits with 1 when the program failed.

The argument is the engine's address, which receives the program's log.

Each run has its own process, because a program's modules keep resources of the run that imported them.
"""

from __future__ import annotations

import asyncio
import logging
import os
import runpy
import signal
import sys
import traceback
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import grpc
import pulumi
from pulumi.runtime import reset_options, run_in_stack, set_all_config
from pulumi.runtime.proto import language_pb2

_THREADS_PER_OPERATION = 4


def main() -> int:
    """Run; return 0 if the program ran to its end, 1 if it failed and has reported its error to the engine."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    request = language_pb2.RunRequest()
    request.ParseFromString(sys.stdin.buffer.read())
    program, engine_address = program_path(request), sys.argv[1]
    os.chdir(request.info.program_directory or request.pwd)
    sys.path[0] = str(program.parent)
    sys.argv = [str(program), *request.args]
    configure(request, engine_address)
    return execute(program, max(request.parallel, 1) * _THREADS_PER_OPERATION)


def program_path(request: Any) -> Path:
    """The file to run: the entry point, or `__main__.py` in it if it is a directory."""
    directory = Path(request.info.program_directory or request.pwd)
    entry = directory / (request.info.entry_point or request.program or ".")
    return entry / "__main__.py" if entry.is_dir() else entry


def configure(request: Any, engine_address: str) -> None:
    """Connect the SDK to the engine."""
    reset_options(
        project=request.project,
        stack=request.stack,
        organization=request.organization or "organization",
        monitor_address=request.monitor_address,
        engine_address=engine_address,
        parallel=request.parallel,
        preview=request.dryRun,
    )
    set_all_config(dict(request.config), list(request.configSecretKeys))


def execute(program: Path, threads: int) -> int:
    """Run the program and wait for all its registrations."""
    loop = asyncio.new_event_loop()
    loop.set_default_executor(ThreadPoolExecutor(max_workers=threads))
    loop.set_exception_handler(_stop_on_rpc_error)
    try:
        loop.run_until_complete(run_in_stack(lambda: _run(program)))
    except BaseException as error:
        return report(error)
    finally:
        _close(loop)
    return 0


async def _run(program: Path) -> None:
    runpy.run_path(str(program), run_name="__main__")


def report(error: BaseException) -> int:
    """Report the error to the engine in few words; return the exit status."""
    if isinstance(error, pulumi.RunError):
        pulumi.log.error(str(error))
    elif isinstance(error, SystemExit):
        return 0 if error.code in (None, 0) else 1
    elif _ended_by_engine(error):
        pulumi.log.debug("The engine has ended this run.")
    else:
        pulumi.log.error("Program failed with an unhandled exception:\n" + trace(error))
    return 1


def _ended_by_engine(error: BaseException) -> bool:
    """Whether the engine stopped taking registrations because of an error that it reports itself."""
    is_unavailable = isinstance(error, grpc.RpcError) and error.code() == grpc.StatusCode.UNAVAILABLE
    # For a component that a provider builds, the SDK raises the engine's message as a plain exception.
    return is_unavailable or str(error) == "resource monitor shut down"


def trace(error: BaseException) -> str:
    """The stack trace, from the program's first frame if it has one."""
    told = traceback.TracebackException.from_exception(error)
    runner = [index for index, frame in enumerate(told.stack) if frame.filename in ("<frozen runpy>", runpy.__file__)]
    told.stack = traceback.StackSummary.from_list(told.stack[runner[-1] + 1 :] if runner else told.stack)
    return "".join(told.format())


def _stop_on_rpc_error(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    if isinstance(context.get("exception"), grpc.RpcError):
        loop.stop()
    else:
        loop.default_exception_handler(context)


def _close(loop: asyncio.AbstractEventLoop) -> None:
    for task in asyncio.all_tasks(loop):
        task.cancel()
        with suppress(asyncio.CancelledError):
            loop.run_until_complete(task)
    loop.close()
    sys.stdout.flush()
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
