"""Units of a transistor neuron's fields."""

from __future__ import annotations

__all__ = ["UNITS", "unit_of"]

UNITS = {
    "temperature": "K",
    "v_dd": "V",
    "c": "F",
    "i_bias": "A",
    "v_leak": "V",
    "v_th": "V",
    "v_reset": "V",
    "c_ref": "F",
    "i_ref": "A",
    "i_comparator": "A",
}


def unit_of(field: str) -> str:
    """SI unit of a field of :class:`~lifstone.analog.silicon.SiliconNeuron`; empty for text."""
    return UNITS.get(field, "")
