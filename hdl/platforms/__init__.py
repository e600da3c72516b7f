"""Neuromorphic platforms as logic; importing a module registers its cells' logic."""
