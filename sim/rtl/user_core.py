"""A core of somebody else: its ports, its timing, and the contract it is held against."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from ...golden import Contract
from ...golden.errors import require

__all__ = ["Plan", "Ports", "UserCore"]

MAX_CLOCKS = 1024
MAX_STEPS = 10_000_000
FEWEST = 100


@dataclass(frozen=True)
class Ports:
    """Names of the core's ports; empty for those that it does not have.

    Parameters
    ----------
    clock, reset, input, spike
        Needed. The core works on rising edges; ``input`` carries the sum of the step's weights.
    reset_active
        ``high`` or ``low``.
    enable
        High in the clock that takes an input; without it every clock is a step.
    membrane, membrane_fraction
        The potential after the step, two's complement, with so many bits behind the point.
    index
        Which of several neurons the input is for.
    input_signed
        Whether the input is two's complement.
    input_bits, membrane_bits
        Widths; ``None`` takes those of the core.
    """

    clock: str
    reset: str
    input: str
    spike: str
    reset_active: str = "high"
    enable: str = ""
    membrane: str = ""
    membrane_fraction: int | None = None
    index: str = ""
    input_signed: bool = True
    input_bits: int | None = None
    membrane_bits: int | None = None

    def __post_init__(self) -> None:
        polarity = self.reset_active
        require(polarity in ("high", "low"), "ports.reset_active", polarity, "high, low")
        for field in ("clock", "reset", "input", "spike"):
            require(bool(getattr(self, field)), f"ports.{field}", "", "the name of a port")
        named = [name for _, name, _ in self.named()]
        for name in named:
            require(named.count(name) == 1, "ports", name, "each port named once")
        given = self.membrane_fraction is not None or self.membrane_bits is not None
        require(bool(self.membrane) or not given, "ports.membrane", "", "a port for its format")

    def named(self) -> list[tuple[str, str, bool]]:
        """Field, name and whether the core reads it, of the ports that there are."""
        reads = {"clock": True, "reset": True, "enable": True, "index": True, "input": True}
        fields = ("clock", "reset", "enable", "index", "input", "spike", "membrane")
        rows = [(f, str(getattr(self, f)), reads.get(f, False)) for f in fields]
        return [row for row in rows if row[1]]


@dataclass(frozen=True)
class Plan:
    """How a core is stimulated: ``idle`` is the share of clocks without ``enable`` put between."""

    steps: int = 10_000
    seed: int = 0
    idle: float = 0.1

    def __post_init__(self) -> None:
        allowed = f"{FEWEST} to {MAX_STEPS}"
        require(FEWEST <= self.steps <= MAX_STEPS, "stimulus.steps", self.steps, allowed)
        require(0 <= self.seed < 1 << 32, "stimulus.seed", self.seed, "0 to 4294967295")
        require(0 <= self.idle < 1, "stimulus.idle", self.idle, "0 to below 1")


@dataclass(frozen=True, eq=False)
class UserCore:
    """A core to be checked.

    Parameters
    ----------
    top, sources
        Top module and the files that hold it.
    include
        Files that the sources include.
    latency
        Rising edges from the input to its answer, counting the edge that takes the input;
        0 for an answer in the same clock.
    interval
        Clocks from one input to the next.
    reset_clocks
        For how many clocks reset is held.
    contract_from
        Where the contract comes from, for people.
    """

    top: str
    sources: tuple[Path, ...]
    ports: Ports
    contract: Contract
    include: tuple[Path, ...] = ()
    latency: int = 1
    interval: int = 1
    reset_clocks: int = 4
    contract_from: str = ""

    def __post_init__(self) -> None:
        named = re.fullmatch(r"[A-Za-z_]\w*", self.top, re.ASCII) is not None
        require(named, "core.top", self.top, "the name of a module")
        require(len(self.sources) > 0, "core.sources", "none", "at least one file")
        for field, paths in (("sources", self.sources), ("include", self.include)):
            for path in paths:
                require(path.is_file(), f"core.{field}", str(path), "existing files")
        for field, low in (("latency", 0), ("interval", 1), ("reset_clocks", 1)):
            value = getattr(self, field)
            require(low <= value <= MAX_CLOCKS, f"timing.{field}", value, f"{low} to {MAX_CLOCKS}")
        several = self.contract.n > 1
        agree = several <= bool(self.ports.index)
        require(agree, "ports.index", "", f"a port: the contract has {self.contract.n} neurons")
        free = not self.ports.enable and (self.interval > 1 or several)
        require(not free, "ports.enable", "", "a port: without, every clock is a step")
