"""Lifstone: one LIF model, four bodies, one verdict."""

__version__ = "0.1.0"
