"""Benchmarks: `make bench`. What they measured is in `docs/benchmarks.md`."""
