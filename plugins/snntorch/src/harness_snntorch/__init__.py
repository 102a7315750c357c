"""snnTorch as plugins of the harness."""
