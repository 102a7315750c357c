"""Proves that a framework's layer is the neuron that was requested."""
