"""SpikingJelly as plugins of the harness."""
