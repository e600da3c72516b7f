"""What a network takes of a device before synthesis: memory and multipliers counted, cells roughly.

Blocks of memory follow from widths and depths (:mod:`.placement`), multipliers from the products
of a step. Cells are a sum over cores whose weights were fitted to the open tools' own figures
after packing; ``docs/mapping.md`` shows both for each network they were fitted to and for others.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from ..golden.contract import Contract
from ..golden.errors import InvalidValue
from ..golden.lif import Reset
from ..golden.quantise import NetworkContract
from .devices import CELLS, DSP, RAM, SPRAM, boards_by_size, device_of
from .lanes import Lanes, lanes_of
from .placement import Memory, Placement, place, placed_as
from .step import parameters
from .uart import QUEUE, TICK
from .weights import Store, Stores

__all__ = ["Estimate", "check_fits", "estimate", "what_fits"]

CELLS_MARGIN = 0.8
"""A network is refused for its cells only if so much of the forecast is too much: the forecast was
never off by more (``docs/mapping.md``)."""


@dataclass(frozen=True)
class _Rates:
    """Cells of a family.

    Parameters
    ----------
    core, laned_core
        A core, with one lane and with more.
    bit, laned_bit
        A bit of state and sum in each; one of a synaptic state counts twice.
    drop
        A bit of state that a reset takes something from.
    queue
        A queue or delay beside its memory.
    written_bit, fixed_bit
        A bit of memory in logic.
    choice
        A bit chosen among blocks of memory that lie behind each other.
    host, boot
        What surrounds the network on a board; more where the weights come from the flash.
    """

    core: float
    laned_core: float
    bit: float
    laned_bit: float
    drop: float
    queue: float
    written_bit: float
    fixed_bit: float
    choice: float
    host: float
    boot: float


_RATES = {
    "ice40": _Rates(99.0, 108.0, 5.18, 5.23, 2.12, 80.0, 1.43, 0.048, 0.40, 345.0, 350.0),
    "ecp5": _Rates(0.0, 0.0, 5.43, 3.83, 0.69, 24.0, 0.80, 0.051, 0.98, 390.0, 0.0),
}
_FACTOR_BITS = {"ice40": 16, "ecp5": 18}
"""Bits of a multiplier's factors; one bit more costs logic, two bits another multiplier."""
_WIDEST_WORD = {"ice40": 16, "ecp5": 36}
"""Bits of a block's word at most."""


@dataclass(frozen=True)
class Estimate:
    """A forecast: resources by kind, what the device has of each, and where memories lie."""

    board: str
    placement: Placement
    used: dict[str, int]

    @property
    def available(self) -> dict[str, int]:
        """What the device has."""
        return self.placement.device.available

    @property
    def short(self) -> dict[str, int]:
        """Resources of which the device has too few, and how many are missing."""
        return {k: n - self.available[k] for k, n in self.used.items() if n > self.available[k]}

    @property
    def surely_short(self) -> dict[str, int]:
        """Those of :attr:`short` that the forecast's own error does not explain."""
        least = {**self.used, RAM: self._fewest_blocks()}
        least[CELLS] = int(CELLS_MARGIN * self.used[CELLS])
        return {k: n for k, n in self.short.items() if least[k] > self.available[k]}

    def _fewest_blocks(self) -> int:
        """Blocks if all were used to the last bit."""
        size = 4096 if self.placement.device.family == "ice40" else 18432
        kept = [p.memory.bits for p in self.placement.memories if p.store is Store.BLOCK]
        return sum(math.ceil(bits / size) for bits in kept)

    def said(self) -> str:
        """What ran out, and by how much, in words."""
        return ", ".join(
            f"{kind} {self.used[kind]:,} of {self.available[kind]:,} ({extra:,} too many)"
            for kind, extra in self.short.items()
        )


def estimate(
    contract: NetworkContract,
    board: str,
    lanes: Lanes = 1,
    stores: Stores = Store.AUTO,
    *,
    host: bool = True,
    move: bool = True,
) -> Estimate:
    """Forecast for a network on a board.

    Parameters
    ----------
    host
        With what surrounds the network on a board.
    move
        Whether weights that nobody placed may move to SPRAM where block RAM is full.

    Raises
    ------
    InvalidValue
        For an unknown board, lanes or stores that are not allowed.
    """
    parallel = lanes_of(contract, lanes)
    plan = place(contract, board, parallel, stores, move=move)
    return _of_placement(contract, board, parallel, plan, host)


def _of_placement(
    contract: NetworkContract,
    board: str,
    lanes: Mapping[str, int],
    placement: Placement,
    host: bool,
) -> Estimate:
    family = placement.device.family
    used = {
        CELLS: round(_cells(contract, lanes, placement, host)),
        RAM: placement.blocks(Store.BLOCK) + (_host_blocks(contract, family) if host else 0),
        DSP: sum(k * _products(contract.populations[n], family) for n, k in lanes.items()),
        SPRAM: placement.blocks(Store.SPRAM),
    }
    return Estimate(board, placement, used)


def _host_blocks(contract: NetworkContract, family: str) -> int:
    """The queues of the serial line, one in each direction, of one or two bytes an event."""
    lines = [contract.size(k) for k in (*contract.inputs, *contract.outputs)]
    size = 8 if max(lines, default=0) <= TICK else 16
    return 2 * placed_as(Memory("", "queue", size, QUEUE - 1), family).blocks


def _products(c: Contract, family: str) -> int:
    """Multipliers of one lane."""
    shapes = {p.name: p.shape.width for p in parameters(c)}
    states = {"decay_mem": c.width, "decay_syn": c.syn_width, "couple": c.syn_width}
    whole = _FACTOR_BITS[family]

    def parts(bits: int) -> int:
        return max(1, math.ceil((bits - 1) / whole))

    return sum(parts(bits) * parts(shapes[n]) for n, bits in states.items() if n in shapes)


def _cells(
    contract: NetworkContract, lanes: Mapping[str, int], placement: Placement, host: bool
) -> float:
    family = placement.device.family
    r = _RATES[family]
    total = r.host if host else 0.0
    if host and placement.blocks(Store.SPRAM):
        total += r.boot
    for name, count in lanes.items():
        c = contract.populations[name]
        bits = c.width + 2 * c.syn_width + c.acc_width
        core, bit = (r.core, r.bit) if count == 1 else (r.laned_core, r.laned_bit)
        total += core + bit * bits * count
        if c.threshold is not None and c.reset is Reset.SUBTRACT:
            total += r.drop * c.width * count
    for p in placement.memories:
        if p.memory.role in ("delay", "queue"):
            total += r.queue
        if p.store is Store.BLOCK:
            behind = p.blocks / math.ceil(p.memory.width / _WIDEST_WORD[family]) - 1
            total += r.choice * p.memory.width * behind
        elif p.store is Store.DISTRIBUTED:
            total += _in_logic(p.memory, family) * (
                r.fixed_bit if p.memory.fixed else r.written_bit
            )
    return total


def _in_logic(memory: Memory, family: str) -> int:
    """Bits that count; of the 64 of a written cell of ECP5, sixteen."""
    if family == "ecp5" and not memory.fixed:
        return 16 * math.ceil(memory.width / 4) * math.ceil(memory.depth / 16)
    return memory.bits


def check_fits(
    contract: NetworkContract, board: str, lanes: Lanes = 1, stores: Stores = Store.AUTO
) -> None:
    """Refuse a network that surely does not fit, its weights where they were asked for.

    Raises
    ------
    InvalidValue
        Naming what ran out, by how much, and what would fit.
    """
    found = estimate(contract, board, lanes, stores, move=False)
    if found.surely_short:
        allowed = what_fits(contract, board, lanes, stores)
        raise InvalidValue("network", f"on {board}: {found.said()}", allowed)


def what_fits(
    contract: NetworkContract, board: str, lanes: Lanes = 1, stores: Stores = Store.AUTO
) -> str:
    """What would fit in place of a network that does not, in words."""
    parallel = lanes_of(contract, lanes)
    if not estimate(contract, board, parallel, stores, move=False).short:
        # The tools found otherwise: the forecast cannot say by how much less.
        bigger = _bigger_board(contract, board, parallel, stores)
        return f"what fits: {', or '.join(['fewer lanes', 'fewer bits (map)', *bigger])}"
    said = [
        *_in_spram(contract, board, parallel, stores),
        *_fewer_lanes(contract, board, parallel, stores),
        *_narrower_weights(contract, board, parallel, stores),
        *_bigger_board(contract, board, parallel, stores),
    ]
    return f"what fits: {', or '.join(said)}" if said else "what fits: a smaller network"


def _in_spram(
    contract: NetworkContract, board: str, lanes: Mapping[str, int], stores: Stores
) -> list[str]:
    moved = estimate(contract, board, lanes, stores)
    there = {n: s for n, s in moved.placement.stores.items() if s is Store.SPRAM}
    if moved.short or not there:
        return []
    return [f"--stores {','.join(f'{n}={s}' for n, s in there.items())}"]


def _fewer_lanes(
    contract: NetworkContract, board: str, lanes: Mapping[str, int], stores: Stores
) -> list[str]:
    most = max(lanes.values()) // 2
    while most >= 1:
        fewer = {n: min(k, most) for n, k in lanes.items()}
        if not estimate(contract, board, fewer, stores, move=False).short:
            each = set(fewer.values())
            return [f"--lanes {lanes_text(fewer) if len(each) > 1 else each.pop()}"]
        most //= 2
    return []


def lanes_text(lanes: Mapping[str, int]) -> str:
    """Lanes as ``--lanes`` takes them."""
    return ",".join(f"{n}={k}" for n, k in lanes.items())


def _narrower_weights(
    contract: NetworkContract, board: str, lanes: Mapping[str, int], stores: Stores
) -> list[str]:
    plan = place(contract, board, lanes, stores, move=False)
    family = plan.device.family
    widest = max(c.weight_width for c in contract.populations.values())
    for bits in range(widest - 1, 1, -1):
        narrow = [
            placed_as(replace(p.memory, width=min(p.memory.width, bits * lanes[name])), family)
            if p.memory.role == "weight" and p.store is not Store.SPRAM
            else p
            for p in plan.memories
            for name in [p.memory.population]
        ]
        less = replace(plan, memories=tuple(narrow))
        if not _of_placement(contract, board, lanes, less, True).short:
            return [f"weights of at most {bits} bits (--weight-bits {bits}, or map)"]
    return []


def _bigger_board(
    contract: NetworkContract, board: str, lanes: Mapping[str, int], stores: Stores
) -> list[str]:
    here = device_of(board).available[CELLS]
    for name in boards_by_size():
        if device_of(name).available[CELLS] <= here:
            continue
        try:
            if not estimate(contract, name, lanes, stores, move=False).short:
                return [f"--board {name}"]
        except InvalidValue:  # it lacks a kind of memory that was asked for
            continue
    return []
