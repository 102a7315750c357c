"""What the host measures, each in a pass of its own. Knows tensors and callables, no plugin."""
