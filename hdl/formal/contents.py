"""What the read-only memories of a design hold, word by word."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...golden.contract import Contract
from ...golden.errors import InvalidValue
from ...golden.fixed import Ints
from ..lane import parameter_bits
from ..lanes import parameter_words, weight_words

__all__ = ["Contents"]

_WORD = re.compile(r"^ +(\w+_memory)\[(\d+)\] = \d+'h([0-9a-f]+);$", re.MULTILINE)


@dataclass(frozen=True, eq=False)
class Contents:
    """The weights and parameters that the core of a population must hold."""

    contract: Contract
    matrices: Sequence[Ints]
    lanes: int

    def words(self) -> Mapping[str, Sequence[int]]:
        """Words by the name of their memory."""
        out = {"weight_memory": weight_words(self.contract, self.matrices, self.lanes)}
        width = parameter_bits(self.contract)
        if width:
            out["parameter_memory"] = parameter_words(self.contract, width, self.lanes)
        return out

    def compare(self, verilog: str, module: str) -> tuple[int, str]:
        """How many words were compared, and where the first differs; empty if none does.

        Raises
        ------
        InvalidValue
            For a design without the module.
        """
        found = re.search(rf"^module {module} \(.*?^endmodule$", verilog, re.MULTILINE | re.DOTALL)
        if found is None:
            raise InvalidValue("design", "its Verilog", f"a design with the module {module}")
        there = {(m[1], int(m[2])): int(m[3], 16) for m in _WORD.finditer(found[0])}
        count = 0
        for name, words in self.words().items():
            for k, word in enumerate(words):
                count += 1
                held = there.get((name, k))
                if held != word:
                    said = "missing" if held is None else f"{held:#x}"
                    return count, f"{name}[{k}] is {said} instead of {word:#x}"
        return count, ""
