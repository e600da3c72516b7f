"""Arithmetic of neuromorphic platforms, each as a contract."""
