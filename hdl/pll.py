"""The clock that a network runs at, made from the clock of the board.

Sources: Lattice FPGA-TN-02052 ("iCE40 sysCLOCK PLL Design and Usage Guide") and FPGA-TN-02200
("ECP5 and ECP5-5G sysCLOCK PLL/DLL Design and Usage Guide") for the ranges. The settings are
those that ``icepll`` and ``ecppll`` choose.
"""

from __future__ import annotations

from dataclasses import dataclass

from amaranth.hdl import Const, Instance, Module, Signal, Value

from ..golden.errors import InvalidValue, require

__all__ = ["Pll", "find_pll", "pll_block"]

TOLERANCE = 0.01
"""How far the nearest frequency may lie from the one that was asked for, as a share."""


@dataclass(frozen=True)
class Pll:
    """A setting of a PLL.

    Parameters
    ----------
    family
        ``ice40`` or ``ecp5``.
    reference, frequency
        What goes in and what comes out, hertz.
    oscillator
        Frequency of its oscillator, hertz.
    dividers
        By the names of the PLL's parameters.
    """

    family: str
    reference: float
    frequency: float
    oscillator: float
    dividers: dict[str, int]


def find_pll(family: str, reference: float, wanted: float) -> Pll | None:
    """The setting whose frequency lies nearest to ``wanted``; none if that is the reference.

    Raises
    ------
    InvalidValue
        For a frequency that the PLL cannot come near, with the nearest one.
    """
    require(wanted > 0, "clock", wanted, "a frequency above 0")
    if wanted == reference:
        return None
    every = _ice40(reference) if family == "ice40" else _ecp5(reference)
    # Where several are as near, the oscillator of an ECP5 runs as near to its middle as it can;
    # of iCE40 the first is taken.
    centre = 600e6 if family == "ecp5" else None

    def rank(pll: Pll) -> tuple[float, float]:
        off = 0.0 if centre is None else abs(pll.oscillator - centre)
        return round(abs(pll.frequency - wanted), 3), off

    best = min(every, key=rank)
    if abs(best.frequency - wanted) > TOLERANCE * wanted:
        nearest = f"the board's {reference / 1e6:g} MHz or, nearest, {best.frequency / 1e6:g} MHz"
        raise InvalidValue("clock", f"{wanted / 1e6:g} MHz", nearest)
    return best


def _ice40(reference: float) -> list[Pll]:
    """Phase detector at 10 to 133 MHz, oscillator at 533 to 1066 MHz."""
    out = []
    for divr in range(16):
        detector = reference / (divr + 1)
        for divf in range(128) if 10e6 <= detector <= 133e6 else ():
            oscillator = detector * (divf + 1)
            for divq in range(1, 7) if 533e6 <= oscillator <= 1066e6 else ():
                filters = (17e6, 26e6, 44e6, 66e6, 101e6)
                dividers = {
                    "DIVR": divr,
                    "DIVF": divf,
                    "DIVQ": divq,
                    "FILTER_RANGE": 1 + sum(detector >= limit for limit in filters),
                }
                frequency = oscillator / (1 << divq)
                out.append(Pll("ice40", reference, frequency, oscillator, dividers))
    return out


def _ecp5(reference: float) -> list[Pll]:
    """Phase detector at 3.125 to 400 MHz, oscillator at 400 to 800 MHz."""
    out = []
    for divide in range(1, 129):
        detector = reference / divide
        for feedback in range(1, 81) if 3.125e6 <= detector <= 400e6 else ():
            frequency = detector * feedback
            for post in range(1, 129):
                if 400e6 <= frequency * post <= 800e6:
                    dividers = {"CLKI_DIV": divide, "CLKFB_DIV": feedback, "CLKOP_DIV": post}
                    out.append(Pll("ecp5", reference, frequency, frequency * post, dividers))
    return out


def pll_block(m: Module, pll: Pll, clock: Value) -> tuple[Signal, Signal]:
    """The PLL behind the clock's pin: its clock, and whether that is steady."""
    made, locked = Signal(name="made_clock"), Signal(name="locked")
    if pll.family == "ice40":
        widths = {"DIVR": 4, "DIVF": 7, "DIVQ": 3, "FILTER_RANGE": 3}
        dividers = {f"p_{k}": Const(v, widths[k]) for k, v in pll.dividers.items()}
        # The pad's own PLL: on the UP5K that pin cannot be an input beside it.
        m.submodules.pll = Instance(
            "SB_PLL40_PAD",
            p_FEEDBACK_PATH="SIMPLE",
            **dividers,
            i_PACKAGEPIN=clock,
            i_RESETB=Const(1, 1),
            i_BYPASS=Const(0, 1),
            o_PLLOUTGLOBAL=made,
            o_LOCK=locked,
        )
        return made, locked
    m.submodules.pll = Instance(
        "EHXPLLL",
        **{f"p_{k}": v for k, v in pll.dividers.items()},
        p_CLKOP_ENABLE="ENABLED",
        p_CLKOP_CPHASE=pll.dividers["CLKOP_DIV"] - 1,
        p_CLKOP_FPHASE=0,
        p_FEEDBK_PATH="CLKOP",
        i_CLKI=clock,
        i_CLKFB=made,
        i_RST=Const(0, 1),
        i_STDBY=Const(0, 1),
        i_PHASESEL0=Const(0, 1),
        i_PHASESEL1=Const(0, 1),
        i_PHASEDIR=Const(1, 1),
        i_PHASESTEP=Const(1, 1),
        i_PHASELOADREG=Const(1, 1),
        i_PLLWAKESYNC=Const(0, 1),
        i_ENCLKOP=Const(0, 1),
        o_CLKOP=made,
        o_LOCK=locked,
    )
    return made, locked
