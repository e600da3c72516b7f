"""Parameters and noise of a neuron from its recording."""
