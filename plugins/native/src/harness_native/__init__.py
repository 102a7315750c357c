"""Networks and learning rules written from scratch, as plugins of the harness."""
