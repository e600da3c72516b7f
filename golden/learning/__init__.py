"""Surrogate gradients, backpropagation through time, eligibility traces, plasticity."""
