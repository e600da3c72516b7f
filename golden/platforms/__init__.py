"""Arithmetic of neuromorphic platforms, each as a contract.

A platform's population is data with two methods, :class:`~.profile.Profile`: ``start`` and
``advance``. What differs is the arithmetic between them; figures carry their source.
"""
