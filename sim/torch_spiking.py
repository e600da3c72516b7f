"""Spiking layers without leak in PyTorch: the extra for networks too large for NumPy.

The forward pass adds whole units of the weights' grid, which single precision holds exactly, so
spikes are those of the integer contract to the last one. The backward pass is that of
:mod:`lifstone.golden.learning.bptt`, by PyTorch's own automatic differentiation: the spike's
derivative is the surrogate, a reset counts as a constant, weights pass through their rounding
(straight-through estimator).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..golden.errors import MissingTool

if TYPE_CHECKING:
    from torch import Tensor

try:
    import torch
    from torch.nn import functional
except ImportError as error:  # pragma: no cover - exercised where the extra is missing
    raise MissingTool("torch", "pip install lifstone[torch]") from error

__all__ = ["Stage", "rounded", "run", "spike"]


class _Spike(torch.autograd.Function):  # type: ignore[misc]
    """1 above 0; the derivative is the fast sigmoid's."""

    @staticmethod
    def forward(ctx: Any, z: Tensor, slope: float) -> Tensor:
        ctx.save_for_backward(z)
        ctx.slope = slope
        return (z > 0).to(z.dtype)

    @staticmethod
    def backward(ctx: Any, d: Tensor) -> tuple[Tensor, None]:
        (z,) = ctx.saved_tensors
        return d / (1.0 + ctx.slope * z.abs()) ** 2, None


def spike(z: Tensor, slope: float) -> Tensor:
    """Spikes where ``z``, the distance to the threshold, is above 0."""
    return _Spike.apply(z, slope)


def rounded(weight: Tensor, bits: int) -> Tensor:
    """``weight`` on the grid of words of ``bits``, two before the point; its gradient unchanged."""
    grid = 2.0 ** (bits - 2)
    top = (2.0 ** (bits - 1) - 1) / grid
    on_grid = torch.round(weight.clamp(-top, top) * grid) / grid
    return weight + (on_grid - weight).detach()


@dataclass(frozen=True, eq=False)
class Stage:
    """Latent weights ``(out, in)``, or ``(out, in, k, k)`` of a convolution; a bias for each out.

    ``stride`` is a convolution's, which has no padding.
    """

    weight: Tensor
    bias: Tensor
    stride: int = 1

    def drive(self, x: Tensor, bits: int) -> Tensor:
        """Weighted input of a batch; channels first where there are any."""
        weight, bias = rounded(self.weight, bits), rounded(self.bias, bits)
        if self.weight.ndim == 4:
            return functional.conv2d(x, weight, bias, stride=self.stride)
        return x.flatten(1) @ weight.T + bias


def run(
    stages: Sequence[Stage], inputs: Tensor, slope: float, bits: int
) -> tuple[Tensor, list[Tensor]]:
    """Counts ``(batch, classes)`` of the last stage, and the spikes of the others by stage.

    ``inputs`` are ``(steps, batch, ...)``. Steps in which no input line is active share one drive.
    """
    steps, batch = inputs.shape[:2]
    x = inputs
    fired = []
    for stage in stages:
        active = x.flatten(1).any(dim=1)
        if x.requires_grad:  # a gradient reaches spikes that were not fired as well
            active = torch.ones_like(active)
        part = x[active].flatten(0, 1)
        whole = stage.drive(part, bits) if len(part) else None
        still = stage.drive(torch.zeros_like(x[0, :1]), bits)
        drives = iter(() if whole is None else whole.unflatten(0, (-1, batch)))
        u = torch.zeros((batch, *still.shape[1:]), dtype=x.dtype)
        out = []
        for k in range(steps):
            u = u + (next(drives) if active[k] else still)
            s = spike(u - 1.0, slope)
            u = u - s.detach()
            out.append(s)
        x = torch.stack(out)
        fired.append(x)
    return x.sum(dim=0), fired[:-1]
