"""Logic of the cells; importing this registers all of it with :func:`~..cell.cell_logic`."""

from . import conductance, noise, photo

__all__ = ["conductance", "noise", "photo"]
