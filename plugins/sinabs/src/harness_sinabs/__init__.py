"""sinabs as plugins of the harness."""
