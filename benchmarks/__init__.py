"""How fast the product is, each figure beside a peer measured in the same run (docs/benchmarks.md)."""
