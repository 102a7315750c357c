"""The worker: carries out one trial, or measures one trained network, in the plugin's interpreter."""
