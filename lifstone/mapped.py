"""What ``map`` found: as data, as tables, and as the notes at the top of a widths file."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from .console import WIDTH
from .sim.agreement import Goal, Score
from .sim.width_search import Choice, Trial
from .text import one_line
from .wording import si

if TYPE_CHECKING:
    from .hdl.lane_choice import LaneChoice

__all__ = ["Mapped", "show"]

COLUMNS = ("state", "fraction", "syn", "weight", "decay")


@dataclass(frozen=True, eq=False)
class Mapped:
    """The outcome of one run of ``map``.

    ``chosen_by`` and ``held`` count samples; ``float_held`` and ``held_score`` are scores on those
    that chose nothing, ``None`` where there are none; ``plan`` is ``None`` without a board.
    """

    model: str
    goal: Goal
    choice: Choice
    chosen_by: int
    held: int
    float_held: Score | None
    held_score: Score | None
    plan: LaneChoice | None

    def notes(self) -> list[str]:
        """For the file of widths."""
        out = [f"for {self.model}, chosen by {self.chosen_by} samples: {self._scored()}"]
        if self.held_score is not None and self.float_held is not None:
            both = _both(self.float_held, self.held_score)
            out.append(f"on {self.held} samples that chose nothing: {both}")
        return out

    def _scored(self) -> str:
        score = self.choice.chosen.score
        assert score is not None
        return _both(self.choice.reference, score)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        c = self.choice
        return {
            "model": self.model,
            "goal": asdict(self.goal),
            "samples": {"chosen_by": self.chosen_by, "held_out": self.held},
            "float": asdict(c.reference),
            "trials": [_trial(t) for t in c.trials],
            "widths": {n: {k: getattr(w, k) for k in COLUMNS} for n, w in c.widths.items()},
            "chosen": _trial(c.chosen),
            "held_out": None
            if self.held_score is None or self.float_held is None
            else {"float": asdict(self.float_held), "contract": asdict(self.held_score)},
            "plan": None if self.plan is None else _plan(self.plan),
        }


def _both(reference: Score, score: Score) -> str:
    said = [f"{score.moved:.2%} of the spikes moved"]
    if score.accuracy is not None and reference.accuracy is not None:
        said.insert(0, f"accuracy {score.accuracy:.2%}, {reference.accuracy:.2%} in float")
    if score.distance:
        said.append(f"potential {score.distance:.2%} off")
    return ", ".join(said)


def _trial(trial: Trial) -> dict[str, Any]:
    score = None if trial.score is None else asdict(trial.score)
    return {
        "what": trial.label,
        "score": score,
        "memory_bits": trial.bits,
        "serves": trial.serves,
        "missed": trial.missed,
    }


def _plan(plan: LaneChoice) -> dict[str, Any]:
    return {
        "board": plan.area.board,
        "lanes": plan.lanes,
        "stores": {n: str(s) for n, s in plan.area.placement.stores.items()},
        "used": plan.area.used,
        "available": plan.area.available,
        "clocks": plan.clocks,
        "worst_clocks": plan.worst_clocks,
        "clock": plan.clock,
        "latency": plan.clocks / plan.clock,
        "placement": plan.area.placement.to_dict(),
    }


def show(mapped: Mapped) -> None:
    """Print the trials, the choice for each population, and the plan for the board."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDTH)
    console.print(_trials(mapped.choice))
    console.print(_widths(mapped.choice))
    for note in mapped.notes():
        console.print(Text(one_line(note)), soft_wrap=True)
    if mapped.plan is not None:
        console.print(_memories(mapped.plan))
        for line in _sentences(mapped.plan):
            click.echo(one_line(line))


def _trials(choice: Choice) -> Table:
    table = Table(box=None, pad_edge=False)
    labelled = choice.reference.accuracy is not None
    heads = ("tried", *(["accuracy"] if labelled else []), "spikes moved", "memory bits", "verdict")
    for head in heads:
        table.add_column(head, justify="left" if head in ("tried", "verdict") else "right")
    for t in choice.trials:
        cells = ["", ""] if t.score is None else [f"{t.score.moved:.2%}", f"{t.bits:,}"]
        if labelled:
            right = "" if t.score is None or t.score.accuracy is None else f"{t.score.accuracy:.2%}"
            cells.insert(0, right)
        last = " (chosen)" if t is choice.chosen else ""
        verdict = one_line(t.missed) if t.missed else f"serves{last}"
        style = "bold" if last else None if t.serves else "dim"
        table.add_row(one_line(t.label), *cells, verdict, style=style)
    return table


def _widths(choice: Choice) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("population")
    for head in (*COLUMNS, "sum", "weights"):
        table.add_column(head, justify="right")
    for name, w in choice.widths.items():
        c = choice.contract.populations[name]
        syn = str(c.syn_width) if c.has_synapse else "-"
        count = sum(k.weight.size for k in choice.contract.into(name))
        decays = c.decay_mem is not None or c.has_synapse
        decay = str(w.decay) if decays else "-"
        cells = (w.state, w.behind_point, syn, w.weight, decay, c.acc_width, f"{count:,}")
        table.add_row(one_line(name), *(str(cell) for cell in cells))
    return table


def _memories(plan: LaneChoice) -> Table:
    table = Table(box=None, pad_edge=False)
    for head in ("memory", "words", "width", "in", "blocks"):
        table.add_column(head, justify="left" if head in ("memory", "in") else "right")
    for p in plan.area.placement.memories:
        m = p.memory
        label = one_line(f"{m.population} {m.role}")
        table.add_row(label, f"{m.depth:,}", str(m.width), str(p.store), str(p.blocks))
    return table


def _sentences(plan: LaneChoice) -> list[str]:
    area = plan.area
    used = ", ".join(f"{k} {n:,} of {area.available[k]:,}" for k, n in area.used.items() if n)
    lanes = ",".join(f"{n}={k}" for n, k in plan.lanes.items())
    stores = {n: s for n, s in area.placement.stores.items() if s != "auto"}
    memory = ",".join(f"{n}={s}" for n, s in stores.items())
    more = f" --stores {memory}" if memory else ""
    mean, worst = (si(c / plan.clock, "s") for c in (plan.clocks, plan.worst_clocks))
    return [
        f"{area.board}, forecast: {used}",
        f"{plan.clocks:,.0f} clocks a sample (worst {plan.worst_clocks:,.0f}): {mean} "
        f"(worst {worst}) at {si(plan.clock, 'Hz')}",
        f"build with --lanes {lanes}{more}",
    ]
