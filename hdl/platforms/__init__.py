"""Neuromorphic platforms as logic; importing this registers the logic of all their cells."""

from . import loihi, odin, spinnaker, truenorth

__all__ = ["loihi", "odin", "spinnaker", "truenorth"]
