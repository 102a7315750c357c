"""Is a framework's layer the neuron that was asked for?"""
