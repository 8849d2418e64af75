"""`python -m sandbox`: run the stacks of this project on one machine, with the real engine and Kubernetes API servers.

The module first imports only the standard library, so that any Python can start it. It then continues with the Python
of the virtual environment, which has the pinned packages.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
from pathlib import Path

_PROJECT = Path(__file__).resolve().parent.parent
_VENV = _PROJECT / ".venv"
_VENV_PYTHON = _VENV / "bin" / "python"
_NEEDED_MODULES = ("psutil", "pulumi", "yaml")
_INTERRUPTED = 130
_CONTINUED = "SACRED_COUNCIL_CONTINUED"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=(__doc__ or "").partition("\n")[0])
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="COMMAND")
    up = verbs.add_parser("up", help="start the control planes and deploy the stack")
    down = verbs.add_parser("down", help="destroy the stack and stop its control planes")
    for verb in (up, down):
        verb.add_argument("stack", nargs="?", default="local", help="a stack of this project (default: local)")
        verb.add_argument(
            "--context", help="a context of your kubeconfig: use that cluster and the official CLI instead"
        )
    recover = verbs.add_parser("recover", help="after a killed run: make plain `pulumi up` go on")
    recover.add_argument("stack", nargs="?", default="local", help="a stack of this project (default: local)")
    recover.add_argument(
        "--official", action="store_true", help="for the stack that your own pulumi deploys, in all its clusters"
    )
    start = verbs.add_parser("start", help="start the control planes of a stack, and deploy nothing")
    start.add_argument("stack", nargs="?", default="local", help="a stack of this project (default: local)")
    plan = verbs.add_parser("plan", help="print all resources of a stack as JSON; deploys nothing")
    plan.add_argument("stack", nargs="?", default="local", help="a stack of this project (default: local)")
    policy = verbs.add_parser("policy", help="check all resources of a stack with the policy pack; deploys nothing")
    policy.add_argument("stack", nargs="?", default="local", help="a stack of this project (default: local)")
    policy.add_argument("--config", type=Path, help="configuration of the pack (JSON)")
    _add_compare(verbs.add_parser("compare", help="show what this tree changes on every stack, against a commit"))
    controllers = verbs.add_parser(
        "controllers", help="run networks, kube-proxy and containers of a stack's regions for real (root on Linux)"
    )
    controllers.add_argument("action", choices=["start", "stop", "status"])
    controllers.add_argument("stack", nargs="?", default="local", help="a stack of this project (default: local)")
    verbs.add_parser("status", help="list regions with their processes and contexts, and the stacks")
    verbs.add_parser("doctor", help="check this machine: what is missing, and how to get it")
    verbs.add_parser("env", help='print shell commands for `eval "$(python -m sandbox env)"`')
    execute = verbs.add_parser("exec", help="run one command in the sandbox's environment: exec -- COMMAND")
    execute.add_argument("command", nargs=argparse.REMAINDER)
    build = verbs.add_parser("build", help="build the sandbox's missing binaries")
    build.add_argument("--campaigns", action="store_true", help="also the controllers that only campaigns run")
    build.add_argument("--tests", action="store_true", help="also the servers and linters that the tests use")
    charts = verbs.add_parser("charts", help="download the pinned Helm charts into the sandbox's chart folder")
    charts.add_argument("--folder", type=Path, help="another folder for them")
    verbs.add_parser("clean", help="stop everything and delete all but the built binaries")
    return parser


def _add_compare(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("base", help="the commit to compare with: a branch, a tag, an id")
    verb.add_argument("stacks", nargs="*", help="stacks of this project (default: all)")
    verb.add_argument("--output", type=Path, help="write the comparison as Markdown to this file")
    verb.add_argument(
        "--protect",
        action="append",
        default=[],
        metavar="TYPE",
        help="exit with status 3 if a resource of this type is replaced or deleted, for example '*:StatefulSet'",
    )


def _continue_in_virtual_environment() -> None:
    """Start again with the virtual environment's Python, if that exists and this is another one."""
    # A wrapper in place of the interpreter would always have another prefix and restart for ever.
    continued = os.environ.pop(_CONTINUED, None)
    if _VENV_PYTHON.exists() and not _is_virtual_environments() and not continued:
        os.environ[_CONTINUED] = "true"
        code = f"import runpy, sys; sys.path[0] = {str(_PROJECT)!r}; runpy.run_module('sandbox', run_name='__main__')"
        command = [str(_VENV_PYTHON), "-c", code, *sys.argv[1:]]
        os.execv(command[0], command)  # noqa: S606 - the same command, with another interpreter
    if sys.version_info < (3, 11) or not all(importlib.util.find_spec(name) for name in _NEEDED_MODULES):
        sys.exit("error: the packages of requirements-dev.txt are not installed; run `make venv` first.")


def _is_virtual_environments() -> bool:
    """Whether this is the virtual environment's Python, whatever path started it."""
    return sys.executable == str(_VENV_PYTHON) or os.path.realpath(sys.prefix) == os.path.realpath(_VENV)


def _run(arguments: argparse.Namespace) -> int:
    from sandbox import commands
    from sandbox.layout import Layout, SandboxError

    try:
        return commands.run(Layout.from_environment(), arguments)
    except SandboxError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def main() -> int:
    """Run the command; return its exit status."""
    try:
        return _run(_parser().parse_args())
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return _INTERRUPTED
    except BrokenPipeError:
        return 1


if __name__ == "__main__":
    _continue_in_virtual_environment()
    sys.exit(main())
