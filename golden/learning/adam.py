"""Adam, the optimiser of Kingma & Ba, arXiv:1412.6980, algorithm 1."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ..errors import require
from .bptt import Gradient, Layer

__all__ = ["Adam"]

Array = NDArray[np.float64]
WEIGHTS = ("weight", "bias", "recurrent")


class Adam:
    """Steps down a gradient; keeps the moments of every weight.

    Parameters
    ----------
    rate
        Learning rate, above 0.
    """

    def __init__(self, rate: float) -> None:
        require(bool(np.isfinite(rate)) and rate > 0, "rate", rate, "a finite number above 0")
        self.rate, self.count = rate, 0
        self._moments: dict[tuple[int, str], tuple[Array, Array]] = {}

    def apply(self, layers: Sequence[Layer], gradients: Sequence[Gradient | None]) -> list[Layer]:
        """The layers one step further; a layer without gradient stays as it is."""
        self.count += 1
        out = []
        for k, (layer, gradient) in enumerate(zip(layers, gradients, strict=True)):
            if gradient is None:
                out.append(layer)
                continue
            changed = {
                name: value + self._step((k, name), getattr(gradient, name))
                for name in WEIGHTS
                if (value := getattr(layer, name)) is not None
            }
            out.append(Layer(layer.neurons, **changed, adaptation=layer.adaptation))
        return out

    def state(self) -> dict[str, Array]:
        """Everything a later run needs to go on to the bit; see :meth:`restore`."""
        out = {"count": np.array(float(self.count))}
        for (k, name), (m, v) in self._moments.items():
            out[f"{k}.{name}.m"], out[f"{k}.{name}.v"] = m, v
        return out

    def restore(self, state: Mapping[str, Array]) -> None:
        """Go on from what :meth:`state` gave."""
        self.count = int(state["count"])
        names = {n.removesuffix(".m") for n in state if n.endswith(".m")}
        for name in names:
            k, weight = name.split(".")
            self._moments[int(k), weight] = (state[f"{name}.m"], state[f"{name}.v"])

    def _step(self, key: tuple[int, str], g: Array) -> Array:
        m, v = self._moments.get(key, (np.zeros_like(g), np.zeros_like(g)))
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        self._moments[key] = (m, v)
        unbiased = m / (1 - 0.9**self.count)
        return np.asarray(-self.rate * unbiased / (np.sqrt(v / (1 - 0.999**self.count)) + 1e-8))
