"""Parameters and noise of a neuron from its recording: state-space likelihood, and a simple baseline."""
