"""Several cores joined by a mesh of routers that carries address events."""

from .generate import generate_mesh
from .plan import MeshPlan, plan_mesh

__all__ = ["MeshPlan", "generate_mesh", "plan_mesh"]
