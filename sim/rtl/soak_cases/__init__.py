"""Cores that the soak runs: each module here has a tuple ``CASES``."""
