"""`python -m benchmarks [PART]`: measures, prints, and writes benchmarks/results/*.json."""

from __future__ import annotations

import argparse
import signal
import sys
from typing import Any

from benchmarks import circles, forecast, growth, overhead, page, path, results
from benchmarks.measure import FailedError
from sandbox.layout import SandboxError

_PARTS = ("overhead", "growth", "path", "forecast", "circles")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("part", nargs="?", choices=(*_PARTS, "page"), help="one part only; page writes the document")
    parser.add_argument("--stacks", nargs="+", default=[], help="overhead: these stacks (all)")
    parser.add_argument("--rounds", type=int, default=overhead.ROUNDS, help="overhead: rounds of each stack (5)")
    parser.add_argument("--minutes", type=float, default=overhead.MINUTES, help="overhead: no new round later (15)")
    parser.add_argument("--previews", type=int, default=overhead.PREVIEWS, help="overhead: previews in a round (3)")
    parser.add_argument("--counts", nargs="+", type=int, default=[1, 3, 10], help="growth, path: numbers of regions")
    parser.add_argument(
        "--clouds", nargs="+", choices=path.SERIES, default=path.SERIES, help="path: more regions of these (all)"
    )
    parser.add_argument("--runs", type=int, default=growth.RUNS, help="growth: previews of each number of regions (3)")
    parser.add_argument(
        "--preview-only",
        type=int,
        default=growth.PREVIEW_ONLY,
        help=f"growth: regions to preview ({growth.PREVIEW_ONLY})",
    )
    return parser


def _measure(part: str, arguments: argparse.Namespace) -> None:
    if part == "overhead":
        for stack in arguments.stacks or overhead.stack_names():
            figures = overhead.measure(stack, arguments.rounds, arguments.minutes, arguments.previews)
            _tell(f"{part}-{stack}", figures, overhead.lines(figures))
    elif part == "growth":
        figures = growth.measure(arguments.counts, arguments.preview_only, arguments.runs)
        _tell(part, figures, growth.lines(figures))
    elif part == "forecast":
        figures = forecast.measure()
        _tell(part, figures, forecast.lines(figures))
    elif part == "circles":
        # The machine may be too slow for the larger loads.
        figures = circles.measure(tell=lambda found: results.write(part, found))
        _tell(part, figures, circles.lines(figures))
    else:
        figures = path.measure(arguments.counts, arguments.clouds)
        _tell(part, figures, path.lines(figures))


def _tell(name: str, figures: dict[str, Any], lines: list[str]) -> None:
    print("\n".join([*lines, f"  written to {results.write(name, figures)}", ""]), flush=True)


def main() -> int:
    """Run; return 1 if the engine failed, 130 if interrupted. SIGTERM interrupts, too, because servers must end."""
    arguments = _parser().parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        if arguments.part == "page":
            print(page.write())
            return 0
        for part in [arguments.part] if arguments.part else _PARTS:
            _measure(part, arguments)
    except (SandboxError, FailedError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
