"""How many neurons of a population work at once, and the memory words that follow.

Neuron ``j`` lives in lane ``j % lanes`` of group ``j // lanes``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..golden.contract import Contract
from ..golden.errors import InvalidValue, require
from ..golden.fixed import Ints
from ..golden.quantise import NetworkContract
from .core import pack_parameters, pack_weights

__all__ = ["Lanes", "check_lanes", "groups_of", "lanes_of", "parameter_words", "weight_words"]

Lanes = int | Mapping[str, int]
"""Lanes of every population, or of each by name; one for those that are not named."""


def groups_of(n: int, lanes: int) -> int:
    """Groups of ``lanes`` neurons that ``n`` neurons fill."""
    return -(-n // lanes)


def lanes_of(contract: NetworkContract, lanes: Lanes) -> dict[str, int]:
    """Lanes of each population.

    Raises
    ------
    InvalidValue
        For an unknown population, or lanes that are no power of two, or more than its neurons.
    """
    every = dict.fromkeys(contract.populations, 1)
    given = dict(lanes) if isinstance(lanes, Mapping) else dict.fromkeys(every, lanes)
    for name, count in given.items():
        require(name in every, "lanes", name, f"populations {', '.join(every)}")
        check_lanes(f"{name}.lanes", count, contract.populations[name].n)
    return {**every, **given}


def check_lanes(field: str, lanes: int, n: int) -> None:
    """Refuse ``lanes`` that are no power of two, or more than the ``n`` neurons."""
    whole = isinstance(lanes, int) and not isinstance(lanes, bool)
    if not whole or lanes < 1 or lanes & (lanes - 1) or lanes > n:
        raise InvalidValue(field, lanes, f"a power of two from 1 to {n}, its neurons")


def _group(words: Sequence[int], width: int, lanes: int) -> list[int]:
    """Words of one number a neuron joined into words of one a lane, the first lane lowest."""
    return [
        sum(word << (width * lane) for lane, word in enumerate(words[at : at + lanes]))
        for at in range(0, len(words), lanes)
    ]


def weight_words(contract: Contract, matrices: Sequence[Ints], lanes: int) -> list[int]:
    """Weight memory of a core with ``lanes``; a row is ``ceil(n / lanes)`` words.

    Rows start at multiples of a power of two, see :func:`~.core.pack_weights`.
    """
    return _group(pack_weights(contract, matrices), contract.weight_width, lanes)


def parameter_words(contract: Contract, width: int, lanes: int) -> list[int]:
    """Parameter memory of a core with ``lanes``; ``width`` is that of one neuron's word."""
    return _group(pack_parameters(contract), width, lanes)
