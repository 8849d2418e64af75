"""What the program costs: against a flat one, with more regions, and on the critical path. See docs/benchmarks.md."""
