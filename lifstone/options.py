"""Options that several commands share, and what they turn into."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from .case import contract_of
from .golden import DecayMode, InvalidValue, Lif, Method, Network, Quantised, Rounding, Widths
from .golden.errors import require
from .sim.nir_read import Imported, read_nir
from .stimulus import Stimulus, random_stimulus, read_stimulus
from .widths_file import read_widths

__all__ = [
    "below_folder",
    "contract_options",
    "grid_options",
    "lanes_from",
    "lanes_option",
    "load",
    "load_float",
    "mesh_from",
    "model_argument",
    "named_neuron",
    "named_numbers",
    "output_file",
    "output_folder",
    "rerun",
    "stimulus_from",
    "stimulus_options",
    "stores_from",
    "stores_option",
    "together",
    "widths_from",
]

F = TypeVar("F", bound=Callable[..., Any])


def together(*options: Callable[[Any], Any]) -> Callable[[F], F]:
    """Several options as one decorator, listed by ``--help`` in this order."""

    def wrap(f: F) -> F:
        for option in reversed(options):
            f = option(f)
        return f

    return wrap


model_argument = click.argument("model", type=click.Path(path_type=Path))

grid_options = together(
    click.option("--dt", type=float, help="Step in seconds; taken from the file unless given."),
    click.option("--method", help=f"Step method: {', '.join(Method)}; from the file unless given."),
)

contract_options = together(
    grid_options,
    click.option(
        "--widths",
        "widths_path",
        type=click.Path(path_type=Path),
        help="Widths of each population, as map writes them; in place of the options below.",
    ),
    click.option("--state-bits", type=int, help="Membrane word; 16 unless given."),
    click.option("--fraction-bits", type=int, help="Bits behind the point; calibrated by default."),
    click.option("--syn-bits", type=int, help="Synaptic word; as the membrane's by default."),
    click.option("--weight-bits", type=int, help="Weight word; 8 unless given."),
    click.option("--decay-bits", type=int, help="Decay factor; 12 unless given."),
    click.option("--decay-mode", help="multiply (unless given) or shift."),
    click.option("--rounding", help=f"{', '.join(Rounding)}; nearest unless given."),
)

lanes_option = click.option(
    "--lanes",
    default="1",
    show_default=True,
    help="Neurons at once, a power of two: 8 in all populations, or hidden=8,digit=2.",
)

stimulus_options = together(
    click.option("--stimulus", type=click.Path(path_type=Path), help="Input spikes, .npz or .csv."),
    click.option("--steps", type=int, default=200, show_default=True, help="Random: steps."),
    click.option("--rate", type=float, default=0.2, show_default=True, help="Random: probability."),
    click.option("--seed", type=int, default=0, show_default=True, help="Random: seed."),
)


def load(model: Path, o: dict[str, Any]) -> tuple[Imported, Quantised]:
    """Read a network and derive its contract from the options of ``contract_options``."""
    imported = load_float(model, o)
    network = imported.network
    return imported, contract_of(network, widths_from(o, network.populations))


def load_float(model: Path, o: dict[str, Any]) -> Imported:
    """Read a network with the options of ``grid_options``."""
    return read_nir(model, dt=o["dt"], method=_method(o["method"]))


def _method(name: str | None) -> Method | None:
    if name is None:
        return None
    try:
        return Method(name)
    except ValueError:
        raise InvalidValue("method", name, ", ".join(Method)) from None


WIDTHS = {
    "state": "state_bits",
    "fraction": "fraction_bits",
    "syn": "syn_bits",
    "weight": "weight_bits",
    "decay": "decay_bits",
    "decay_mode": "decay_mode",
    "rounding": "rounding",
}
"""Fields of the widths and the names of their options."""


def widths_from(o: dict[str, Any], populations: Iterable[str]) -> Widths | dict[str, Widths]:
    """The widths that the options of ``contract_options`` name."""
    given = {field: o[name] for field, name in WIDTHS.items() if o.get(name) is not None}
    path = o.get("widths_path")
    if path is not None:
        also = ", ".join(f"--{WIDTHS[field].replace('_', '-')}" for field in given)
        require(not given, "widths", str(path), f"this file, or {also}: not both")
        return read_widths(path, populations)
    for field, kind in (("decay_mode", DecayMode), ("rounding", Rounding)):
        if field in given:
            given[field] = _member(kind, field, given[field])
    return Widths(**given)


def _member(kind: Any, field: str, value: str) -> Any:
    try:
        return kind(value)
    except ValueError:
        raise InvalidValue(field, value, ", ".join(kind)) from None


def stimulus_from(network: Network, o: dict[str, Any]) -> Stimulus:
    """The stimulus that the options of ``stimulus_options`` name."""
    if o["stimulus"] is not None:
        return read_stimulus(o["stimulus"], network.inputs)
    return random_stimulus(network.inputs, o["steps"], o["rate"], o["seed"])


def lanes_from(text: str) -> int | dict[str, int]:
    """The lanes that ``--lanes`` names; whether a contract allows them is seen later."""
    if "=" not in text:
        return _whole("lanes", text, text)
    return {name: _whole("lanes", count, text) for name, count in _named("lanes", text).items()}


def named_numbers(field: str, text: str, populations: Iterable[str]) -> dict[str, int]:
    """One number for all of ``populations``, or one for each that ``text`` names."""
    known = list(populations)
    if "=" not in text:
        return dict.fromkeys(known, _whole(field, text, text))
    given = _named(field, text)
    for name in given:
        require(name in known, field, name, f"populations {', '.join(known)}")
    return {name: _whole(field, count, text) for name, count in given.items()}


stores_option = click.option(
    "--stores",
    default="auto",
    show_default=True,
    help="Where weights lie: auto, block, distributed, spram; or hidden=spram,digit=block.",
)


def stores_from(text: str) -> str | dict[str, str]:
    """The stores that ``--stores`` names; whether a device has them is seen later."""
    return text.strip() if "=" not in text else _named("stores", text)


def mesh_from(text: str) -> tuple[int, int]:
    """Columns and rows that ``--mesh`` names."""
    sides = text.lower().split("x")
    good = len(sides) == 2 and all(s.strip().isdecimal() and len(s) < 7 for s in sides)
    require(good, "mesh", text, "columns x rows, such as 2x2")
    return int(sides[0]), int(sides[1])


def _named(field: str, text: str) -> dict[str, str]:
    """``a=1,b=2`` by name."""
    out: dict[str, str] = {}
    for part in text.split(","):
        name, _, value = part.rpartition("=")
        good = name.strip() not in ("", *out)
        require(good, field, text, "population=value, each population once")
        out[name.strip()] = value.strip()
    return out


def _whole(field: str, word: str, text: str) -> int:
    good = word.strip().isdecimal() and len(word) < 7
    require(good, field, text, "a number, or population=number, comma separated")
    return int(word)


def named_neuron(
    field: str, text: str, populations: Mapping[str, Lif], allowed: str
) -> tuple[str, int]:
    """The neuron that ``population:index`` names among ``populations``."""
    name, _, index = text.strip().rpartition(":")
    require(name in populations, field, text, allowed)
    top = populations[name].n - 1
    if not index.isdecimal() or int(index) > top:
        raise InvalidValue(field, text, f"{name}:0 to {name}:{top}")
    return name, int(index)


def output_folder(path: Path) -> Path:
    """Check, before any work is done, that ``path`` may become a folder of results."""
    require(not path.exists() or path.is_dir(), "out", str(path), "a folder or a new name")
    below_folder("out", path)
    return path


def output_file(field: str, path: Path | None) -> None:
    """Check, before any work is done, that ``path`` may become a file."""
    if path is not None:
        require(not path.is_dir(), field, str(path), "a file name, not a folder")
        below_folder(field, path)


def below_folder(field: str, path: Path) -> None:
    """Check that the folders above ``path`` are there, or may be made."""
    there = next((p for p in path.absolute().parents if p.exists()), None)
    good = there is None or (there.is_dir() and os.access(there, os.W_OK | os.X_OK))
    require(good, field, str(path), f"a name in a folder that can be written; {there} is none")


def rerun(context: click.Context) -> str:
    """The command line of ``context``: what was given, without what only shapes the output."""
    words = ["lifstone", str(context.info_name)]
    for parameter in context.command.params:
        name = str(parameter.name)
        value = context.params.get(name)
        if context.get_parameter_source(name) is not ParameterSource.COMMANDLINE:
            continue
        if isinstance(parameter, click.Argument):
            words.append(shlex.quote(str(value)))
        elif name not in ("as_json", "junit_path"):
            words.append(parameter.opts[0])
            if not getattr(parameter, "is_flag", False):
                words.append(shlex.quote(str(value)))
    return " ".join(words)
