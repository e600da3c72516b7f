"""Arithmetic of neuromorphic platforms as contracts: Loihi, TrueNorth, SpiNNaker, ODIN, BrainScaleS."""
