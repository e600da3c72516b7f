r"""TRPV1, the channel of capsaicin and noxious heat: open fraction in equilibrium.

Heat and depolarisation open it with one free energy, capsaicin shifts the same curve towards
physiological potentials (Voets et al., Nature 430, 748 (2004)), here in proportion to the
bound fraction, a Hill curve of the dose (Caterina et al., Nature 389, 816 (1997))::

    open = 1 / (1 + exp((enthalpy - T entropy - z F (v + shift H(dose))) / (R T)))

so that heat and capsaicin add up in one exponent and each lowers the other's threshold. The
channel's own kinetics (milliseconds) and its desensitisation in calcium are left out.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import require
from .gating import FARADAY, GAS, boltzmann, hill, thermal_half

__all__ = ["Trpv1"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Trpv1:
    """Constants of the channel.

    Parameters
    ----------
    enthalpy, entropy
        Of opening, J/mol and J/(mol K), above 0: heat opens.
    charge
        Gating charge in elementary charges, above 0.
    half, exponent
        Of the Hill curve; ``half`` in the unit of the dose, both above 0.
    shift
        Volts by which saturating capsaicin moves the curve, above 0.
    """

    enthalpy: float
    entropy: float
    charge: float
    half: float
    exponent: float
    shift: float

    def __post_init__(self) -> None:
        for f in fields(self):
            value = getattr(self, f.name)
            require(bool(np.isfinite(value)) and value > 0, f.name, value, "greater than 0")

    def open(self, v: ArrayLike, temperature: ArrayLike, dose: ArrayLike = 0.0) -> Array:
        """Open fraction at volts, kelvin and dose, which broadcast."""
        v_half, slope = thermal_half(temperature, self.enthalpy, self.entropy, self.charge)
        moved = self.shift * hill(dose, self.half, self.exponent)
        return boltzmann(np.asarray(v) + moved, v_half, slope)

    def dose_for(self, wanted: float, v: float, temperature: float) -> float:
        """The dose at which the fraction ``wanted`` is open; 0 or infinite if none does it.

        Raises
        ------
        InvalidValue
            If ``wanted`` is not between 0 and 1.
        """
        require(0 < wanted < 1, "wanted", wanted, "above 0 and below 1")
        v_half, slope = thermal_half(temperature, self.enthalpy, self.entropy, self.charge)
        logit = np.log(wanted / (1 - wanted))
        bound = float(v_half + slope * logit - v) / self.shift
        if bound <= 0:
            return 0.0
        return (
            float("inf") if bound >= 1 else self.half * (bound / (1 - bound)) ** (1 / self.exponent)
        )

    def temperature_for(self, wanted: float, v: float, dose: float = 0.0) -> float:
        """The temperature in kelvin at which the fraction ``wanted`` is open.

        ``(enthalpy - z F (v + shift H)) / (entropy - R ln(wanted / (1 - wanted)))``.

        Raises
        ------
        InvalidValue
            If ``wanted`` is not between 0 and 1, or no temperature above 0 K does it.
        """
        require(0 < wanted < 1, "wanted", wanted, "above 0 and below 1")
        logit = float(np.log(wanted / (1 - wanted)))
        moved = v + self.shift * float(hill(dose, self.half, self.exponent))
        cost = self.enthalpy - self.charge * FARADAY * moved
        gain = self.entropy - GAS * logit
        require(cost > 0 and gain > 0, "wanted", wanted, "a fraction that heat can open")
        return cost / gain
