"""Transient simulation in the process, through PySpice."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from ctypes import CDLL
from ctypes.util import find_library
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..golden.errors import MissingTool
from .netlist import Transient, netlist
from .neuron import OtaNeuron

__all__ = ["Waveform", "check_end", "listening_simulator", "run_netlist", "simulate"]

Array = NDArray[np.float64]
_lock = threading.Lock()
_shared: list[Any] = []
_listeners: list[Callable[[dict[str, complex]], None]] = []


@dataclass(frozen=True, eq=False)
class Waveform:
    """Potentials over time: ``mem`` the membrane; ``latch`` rises from 0 to 1 at a spike."""

    t: Array
    mem: Array
    latch: Array


def simulate(
    neuron: OtaNeuron, transient: Transient, g_in: float, channels: Sequence[str] = ()
) -> Waveform:
    """Run the netlist of ``neuron``, with ``channels`` on its membrane.

    Raises
    ------
    MissingTool
        Without PySpice or libngspice.
    RuntimeError
        If the simulator gives up; with its last words.
    """
    t, mem, latch = run_netlist(
        netlist(neuron, transient, g_in, channels=channels), ("time", "mem", "latch")
    )
    check_end(t, transient.stop)
    return Waveform(t, mem, latch)


def run_netlist(text: str, names: Sequence[str]) -> list[NDArray[Any]]:
    """Run a netlist and read the named vectors of its last plot; complex after ``.ac``.

    Nodes go by their name, branch currents as ``vdd#branch``, axes as ``time``, ``v-sweep`` or
    ``frequency``.

    Raises
    ------
    MissingTool
        Without PySpice or libngspice.
    RuntimeError
        If the simulator gives no such vectors; with its last words.
    """
    # In a thread of its own: an interrupt from the keyboard that met a callback of the simulator
    # would be lost. Here it is heard at once, and the run ends by itself.
    future: Future[list[NDArray[Any]]] = Future()
    threading.Thread(target=_work, args=(text, tuple(names), future), daemon=True).start()
    return future.result()


def listening_simulator(
    listen: Callable[[dict[str, complex]], None],
) -> tuple[Any, list[str]]:
    """This process's simulator and its notes; ``listen`` hears every point as it is solved.

    For a process that does nothing else: there is one simulator in a process.

    Raises
    ------
    MissingTool
        Without PySpice or libngspice.
    """
    _listeners[:] = [listen]
    return _instance()


def check_end(t: Array, stop: float) -> None:
    """Refuse a run that ended before ``stop`` seconds.

    Raises
    ------
    RuntimeError
        With the simulator's last words.
    """
    if t.size == 0 or t[-1] < stop * (1 - 1e-6):
        end = float(t[-1]) if t.size else 0.0
        raise RuntimeError(f"ngspice stopped at {end:g} s: {' | '.join(_instance()[1][-4:])}")


def _work(text: str, names: tuple[str, ...], future: Future[list[NDArray[Any]]]) -> None:
    try:
        with _lock:
            future.set_result(_run(text, names))
    except BaseException as error:
        future.set_exception(error)


def _run(text: str, names: tuple[str, ...]) -> list[NDArray[Any]]:
    """The vectors.

    Whether it worked shows in the vectors: PySpice raises a kind of ``NameError`` for every note
    that ngspice writes to its error stream, and some versions write there although nothing is
    wrong.
    """
    spice, notes = _instance()
    notes.clear()
    try:
        for stage in (lambda: spice.load_circuit(text), spice.run):
            with suppress(NameError):
                stage()
        plot = spice.plot(None, spice.last_plot)
        return [np.array(plot[k].to_waveform()) for k in names]
    except KeyError as error:
        raise RuntimeError(f"ngspice failed: {' | '.join(notes[-4:])}") from error
    finally:
        # Without a circuit there is nothing to remove, which is an error to PySpice.
        with suppress(NameError):
            spice.destroy()
            spice.remove_circuit()


def _instance() -> tuple[Any, list[str]]:
    """One simulator a process; its notes are kept, not printed.

    PySpice logs those of the error stream, and warns of versions that it does not know although
    they work.
    """
    if _shared:
        return _shared[0], _shared[1]
    notes: list[str] = []
    logging.getLogger("PySpice").setLevel(logging.CRITICAL)
    for child in ("PySpice.Spice.NgSpice.Shared", "PySpice.Spice.NgSpice"):
        logging.getLogger(child).setLevel(logging.CRITICAL)
    try:
        from PySpice.Spice.NgSpice.Shared import NgSpiceShared
    except ImportError as error:
        raise MissingTool("PySpice", "pip install PySpice") from error

    class Quiet(NgSpiceShared):  # type: ignore[misc, unused-ignore]
        def send_char(self, message: str, ngspice_id: int) -> int:
            notes.append(message)
            del notes[:-50]
            return 0

        def send_data(self, values: dict[str, complex], number: int, ngspice_id: int) -> int:
            for listen in _listeners:
                listen(values)
            return 0

    found = find_library("ngspice")
    if found is not None and "NGSPICE_LIBRARY_PATH" not in os.environ:
        # Distributions ship the library without the bare name that PySpice asks for.
        Quiet.LIBRARY_PATH = found
    try:
        # PySpice cannot be asked a second time after a library that was none.
        _ = CDLL(Quiet.LIBRARY_PATH.format("")).ngSpice_Init
        spice = Quiet.new_instance(send_data=bool(_listeners))
    except (OSError, NameError, AttributeError) as error:
        raise MissingTool("libngspice", "apt-get install libngspice0") from error
    _shared.extend([spice, notes])
    return spice, notes
