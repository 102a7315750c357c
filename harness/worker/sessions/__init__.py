"""What a worker holds open and calls in rounds: a trained network, a layer, doctor's probe."""
