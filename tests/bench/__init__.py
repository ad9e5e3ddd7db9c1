"""The benchmark: Lethe beside its peers, both sides in one run. See docs/reference/bench.md."""
