"""Norse as plugins of the harness."""
