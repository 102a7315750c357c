"""All that the host measures, each in a separate pass: of tensors and callables, not of plugins."""
