"""A user's core as a TOML file: its ports, its timing, the contract and the stimulus."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from .case import contract_of
from .golden import Contract, Decay, Drive, InvalidValue, Reset, Rounding, Widths
from .golden.errors import require
from .sim.nir_read import read_nir
from .sim.rtl.user_core import Plan, Ports, UserCore
from .widths_file import widths_row

__all__ = ["FORMAT", "read_core"]

FORMAT = "lifstone core 1"
MAX_BYTES = 1 << 20
MAX_NEURONS = 4096
_TABLES = ("core", "ports", "timing", "contract", "stimulus")
_CORE = ("top", "sources", "include")
_TIMING = ("latency", "interval", "reset_clocks")
_MODEL = ("model", "neuron", "widths")
_EACH = ("threshold", "u_reset", "u_drop", "u_init", "hold", "bias", "couple")
_ONE = ("width", "fraction", "syn_width", "weight_width", "weight_shift", "acc_width")
_WORDS = {"drive": Drive, "reset": Reset, "rounding": Rounding}
_FIELDS = ("n", *_ONE, "couple_fraction", *_EACH, *_WORDS, "decay_mem", "decay_syn")
_REAL = ("idle",)
_FLAGS = ("input_signed",)
_NUMBERS = (*_TIMING, "steps", "seed", "input_bits", "membrane_bits", "membrane_fraction")


def read_core(
    path: Path, *, steps: int | None = None, seed: int | None = None
) -> tuple[UserCore, Plan]:
    """Read a core file; paths in it are relative to it.

    ``steps`` and ``seed`` take the place of the file's.

    Raises
    ------
    InvalidValue
        For a file that is missing or no such file, unknown or missing fields, values out of
        range: it names the field, the value and what is allowed.
    """
    data = _parsed(path)
    core, ports = _table(data, "core", _CORE), _table(data, "ports", _names(Ports))
    timing = _table(data, "timing", _TIMING, needed=False)
    given = _table(data, "stimulus", _names(Plan), needed=False)
    given |= {k: v for k, v in (("steps", steps), ("seed", seed)) if v is not None}
    for field in ("clock", "reset", "input", "spike"):
        require(field in ports, f"ports.{field}", "missing", "the name of a port")
    read = Ports(**ports)
    top = core.get("top")
    require(isinstance(top, str) and bool(top), "core.top", top, "the name of a module")
    contract, told = _contract(data.get("contract"), path.parent, read)
    latency = timing.get("latency", 1)
    timing.setdefault("interval", max(latency, 1) if read.enable else 1)
    made = UserCore(
        top=str(top),
        sources=_paths(core, "sources", path.parent),
        include=_paths(core, "include", path.parent),
        ports=read,
        contract=contract,
        contract_from=told,
        **timing,
    )
    return made, Plan(**given)


def _names(kind: Any) -> tuple[str, ...]:
    return tuple(f.name for f in fields(kind))


def _parsed(path: Path) -> dict[str, Any]:
    require(path.is_file(), "core", str(path), "an existing core file (.toml)")
    size = path.stat().st_size
    require(size <= MAX_BYTES, "core", f"{size} bytes", f"at most {MAX_BYTES} bytes")
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())[:80]
        raise InvalidValue("core", str(path), f"a TOML file ({reason})") from error
    got = data.get("format")
    require(got == FORMAT, "format", got, repr(FORMAT))
    for name in data:
        require(name in ("format", *_TABLES), name, "unknown", f"format, {', '.join(_TABLES)}")
    return data


def _table(
    data: Mapping[str, Any], name: str, known: tuple[str, ...], *, needed: bool = True
) -> dict[str, Any]:
    """A table whose keys and kinds of values are as they must be."""
    table: Any = data.get(name, None if needed else {})
    require(isinstance(table, dict), name, table, f"a table with {', '.join(known)}")
    for key, value in table.items():
        at = f"{name}.{key}"
        require(key in known, at, value, f"one of {', '.join(known)}")
        if key in _NUMBERS:
            _whole(at, value)
        elif key in _FLAGS:
            require(isinstance(value, bool), at, value, "true, false")
        elif key in _REAL:
            number = isinstance(value, int | float) and not isinstance(value, bool)
            require(number, at, value, "a number")
        elif name == "ports":
            require(isinstance(value, str), at, value, "a text")
    return dict(table)


def _whole(field: str, value: Any) -> int:
    good = isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 40
    require(good, field, value, "a whole number below 2**40")
    return int(value)


def _paths(core: Mapping[str, Any], key: str, folder: Path) -> tuple[Path, ...]:
    names = core.get(key, [])
    good = isinstance(names, list) and all(isinstance(n, str) and n for n in names)
    require(good, f"core.{key}", names, "a list of file names")
    return tuple(folder / name for name in names)


def _contract(table: Any, folder: Path, ports: Ports) -> tuple[Contract, str]:
    allowed = "a table: model and neuron, or the fields of a contract"
    require(isinstance(table, dict), "contract", table, allowed)
    if "model" in table:
        return _from_model(table, folder)
    for key, value in table.items():
        require(key in _FIELDS, f"contract.{key}", value, f"one of {', '.join(_FIELDS)}")
    try:
        return _from_fields(table, ports), "the fields of the core file"
    except InvalidValue as error:
        if error.field.startswith("contract."):
            raise
        raise InvalidValue(f"contract.{error.field}", error.value, error.allowed) from None


def _from_fields(t: Mapping[str, Any], ports: Ports) -> Contract:
    n = _whole("contract.n", t.get("n", 1))
    require(1 <= n <= MAX_NEURONS, "n", n, f"1 to {MAX_NEURONS}")
    require("width" in t, "width", "missing", "2 to 32 bits")
    bits = 32 if ports.input_bits is None else ports.input_bits + (not ports.input_signed)
    defaults = {"weight_width": min(bits, 24), "acc_width": min(bits, 33), "n": n}
    one = {key: _whole(f"contract.{key}", t.get(key, defaults.get(key, 0))) for key in _ONE}
    each = {key: _vector(key, t[key], n) for key in _EACH if key in t}
    zero = np.zeros(n, np.int64)
    threshold = each.get("threshold")
    u_reset = each.get("u_reset", zero)
    drop = zero if threshold is None else threshold - u_reset
    return Contract(
        n=n,
        **one,
        decay_mem=_decay("decay_mem", t.get("decay_mem"), n),
        decay_syn=_decay("decay_syn", t.get("decay_syn"), n),
        drive=_word("drive", t.get("drive", "new")),
        couple=each.get("couple"),
        couple_fraction=_whole("contract.couple_fraction", t.get("couple_fraction", 0)),
        threshold=threshold,
        reset=_word("reset", t.get("reset", "set")),
        u_reset=u_reset,
        u_drop=each.get("u_drop", np.maximum(drop, 0)),
        u_init=each.get("u_init", zero),
        hold=each.get("hold", zero),
        bias=each.get("bias", zero),
        rounding=_word("rounding", t.get("rounding", "floor")),
        lsb=np.ones(n),
        i_lsb=np.ones(n),
        v_rest=np.zeros(n),
    )


def _word(key: str, value: Any) -> Any:
    kind: Any = _WORDS[key]
    known = [str(k) for k in kind]
    require(isinstance(value, str) and value in known, key, value, ", ".join(known))
    return kind(value)


def _vector(key: str, value: Any, n: int) -> Any:
    """One number for all neurons, or a list with one for each."""
    if not isinstance(value, list):
        return np.full(n, _whole(f"contract.{key}", value), np.int64)
    require(len(value) == n, key, value, f"a number, or {n} in a list")
    return np.array([_whole(f"contract.{key}[{j}]", v) for j, v in enumerate(value)], np.int64)


def _decay(key: str, value: Any, n: int) -> Decay | None:
    if value is None:
        return None
    keys = set(value) if isinstance(value, dict) else set()
    allowed = "{ shift = S }, or { coefficient = C, fraction = F } for C / 2**F"
    require(keys in ({"shift"}, {"coefficient", "fraction"}), key, value, allowed)
    if "shift" in keys:
        return Decay(shift=_whole(f"contract.{key}.shift", value["shift"]))
    fraction = _whole(f"contract.{key}.fraction", value["fraction"])
    return Decay(_vector(f"{key}.coefficient", value["coefficient"], n), fraction)


def _from_model(t: Mapping[str, Any], folder: Path) -> tuple[Contract, str]:
    """The contract of a population of a model, or of one of its neurons."""
    for key, value in t.items():
        require(key in _MODEL, f"contract.{key}", value, f"with a model: {', '.join(_MODEL)}")
    name, neuron = t["model"], t.get("neuron")
    require(isinstance(name, str), "contract.model", name, "the name of a .nir file")
    network = read_nir(folder / name).network
    known = network.populations
    allowed = f"population or population:index of {', '.join(known)}"
    require(isinstance(neuron, str), "contract.neuron", neuron, allowed)
    widths = Widths() if "widths" not in t else widths_row("contract.widths", t["widths"])
    contracts = contract_of(network, widths).contract.populations
    told = f"{name}, {neuron}"
    if neuron in contracts:
        return contracts[str(neuron)], told
    population, _, index = str(neuron).rpartition(":")
    good = population in contracts and index.isdecimal() and len(index) < 7
    require(good and int(index) < contracts[population].n, "contract.neuron", neuron, allowed)
    return contracts[population].neuron(int(index)), told
