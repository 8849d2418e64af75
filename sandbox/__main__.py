"""`python -m sandbox`: the stacks of this project on one machine, with the real engine and Kubernetes API servers."""

from __future__ import annotations

import argparse
import sys

from sandbox import commands
from sandbox.layout import Layout, SandboxError

_INTERRUPTED = 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="COMMAND")
    up = verbs.add_parser("up", help="start the control planes and deploy the stack")
    down = verbs.add_parser("down", help="destroy the stack and stop its control planes")
    for verb in (up, down):
        verb.add_argument("stack", nargs="?", default="local", help="a stack of this project (default: local)")
        verb.add_argument(
            "--context", help="a context of your kubeconfig: use that cluster and the official CLI instead"
        )
    start = verbs.add_parser("start", help="start the control planes of a stack, and deploy nothing")
    start.add_argument("stack", nargs="?", default="local")
    verbs.add_parser("status", help="regions, their processes and contexts, and the stacks")
    verbs.add_parser("doctor", help="what is missing on this machine, and how to get it")
    verbs.add_parser("env", help='shell commands for `eval "$(python -m sandbox env)"`')
    build = verbs.add_parser("build", help="build what is missing of the sandbox's binaries")
    build.add_argument("--conformance", action="store_true", help="also the linters that the conformance tests use")
    execute = verbs.add_parser("exec", help="run one command in the sandbox's environment: exec -- COMMAND")
    execute.add_argument("command", nargs=argparse.REMAINDER)
    return parser


def main() -> int:
    """The exit status of the command."""
    arguments = _parser().parse_args()
    layout = Layout.from_environment()
    try:
        return commands.run(layout, arguments)
    except SandboxError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return _INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
