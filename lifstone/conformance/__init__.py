"""The matrix: fifteen systems on four bodies, each cell recomputed by a command."""

from .cell import BODIES, MatrixCell, Outcome
from .matrix import compute, recorded

__all__ = ["BODIES", "MatrixCell", "Outcome", "compute", "recorded"]
