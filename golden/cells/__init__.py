"""Cells of the core family: what each kind of neuron computes in integers."""
