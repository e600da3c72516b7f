"""Logic of the cells; importing a module registers its logic with :func:`~..cell.cell_logic`."""
