"""Transient simulation in the process, through PySpice."""

from __future__ import annotations

import logging
import os
import threading
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

__all__ = ["Waveform", "simulate"]

Array = NDArray[np.float64]
_lock = threading.Lock()
_shared: list[Any] = []


@dataclass(frozen=True, eq=False)
class Waveform:
    """Potentials over time: ``mem`` the membrane; ``latch`` rises from 0 to 1 at a spike."""

    t: Array
    mem: Array
    latch: Array


def simulate(neuron: OtaNeuron, transient: Transient, g_in: float) -> Waveform:
    """Run the netlist of ``neuron``.

    Raises
    ------
    MissingTool
        Without PySpice or libngspice.
    RuntimeError
        If the simulator gives up; with its last words.
    """
    text = netlist(neuron, transient, g_in)
    # In a thread of its own: an interrupt from the keyboard that met a callback of the simulator
    # would be lost. Here it is heard at once, and the run ends by itself.
    future: Future[tuple[Waveform, str]] = Future()
    threading.Thread(target=_work, args=(text, future), daemon=True).start()
    w, last_words = future.result()
    if w.t.size == 0 or w.t[-1] < transient.stop * (1 - 1e-6):
        end = float(w.t[-1]) if w.t.size else 0.0
        raise RuntimeError(f"ngspice stopped at {end:g} s: {last_words}")
    return w


def _work(text: str, future: Future[tuple[Waveform, str]]) -> None:
    try:
        with _lock:
            future.set_result(_run(text))
    except BaseException as error:
        future.set_exception(error)


def _run(text: str) -> tuple[Waveform, str]:
    """What became of the netlist, and the simulator's last words.

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
        t, mem, latch = (
            np.array(plot[k].to_waveform(), dtype=np.float64) for k in ("time", "mem", "latch")
        )
    except KeyError as error:
        raise RuntimeError(f"ngspice failed: {' | '.join(notes[-4:])}") from error
    finally:
        # Without a circuit there is nothing to remove, which is an error to PySpice.
        with suppress(NameError):
            spice.destroy()
            spice.remove_circuit()
    return Waveform(t, mem, latch), " | ".join(notes[-4:])


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

    found = find_library("ngspice")
    if found is not None and "NGSPICE_LIBRARY_PATH" not in os.environ:
        # Distributions ship the library without the bare name that PySpice asks for.
        Quiet.LIBRARY_PATH = found
    try:
        # PySpice cannot be asked a second time after a library that was none.
        _ = CDLL(Quiet.LIBRARY_PATH.format("")).ngSpice_Init
        spice = Quiet.new_instance()
    except (OSError, NameError, AttributeError) as error:
        raise MissingTool("libngspice", "apt-get install libngspice0") from error
    _shared.extend([spice, notes])
    return spice, notes
