"""Sweeps of transistor neurons: grids, retries, a journal that survives a kill, datasets."""
