"""Benchmarks of the program: overhead over a flat one, growth with regions, critical path. See docs/benchmarks.md."""
