"""The analog half in a process of its own: its death is an error here, and leaves no orphan."""

from __future__ import annotations

import multiprocessing
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ...golden.errors import MissingTool, require
from ..spice_workers import deaf_children
from .stepper import Stepper

__all__ = ["AnalogProcess"]

Array = NDArray[np.float64]


class AnalogProcess:
    """A :class:`~.stepper.Stepper` elsewhere; a context manager that ends it.

    Parameters
    ----------
    netlist, dt, nodes
        As for the stepper.
    timeout
        Seconds that a step may take.

    Raises
    ------
    MissingTool
        Without PySpice or libngspice.
    """

    def __init__(
        self, netlist: str, dt: float, nodes: tuple[str, ...], *, timeout: float = 120.0
    ) -> None:
        require(timeout > 0, "timeout", timeout, "above 0 seconds")
        self.nodes = nodes
        self._timeout = timeout
        # A fresh process: the simulator's state does not survive a fork.
        context = multiprocessing.get_context("spawn")
        self._line, far = context.Pipe()
        self._process = context.Process(target=_serve, args=(netlist, dt, nodes, far), daemon=True)
        with deaf_children():
            self._process.start()
        far.close()
        try:
            self._answer()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        self.close()

    def advance(self, sources: dict[str, float]) -> tuple[Array, Array]:
        """One step; see :meth:`~.stepper.Stepper.advance`.

        Raises
        ------
        RuntimeError
            If the simulator gives up, dies, or takes too long; the process is ended.
        """
        try:
            self._line.send(sources)
        except (BrokenPipeError, ConnectionError):
            raise self._dead() from None
        found = self._answer()
        return np.asarray(found[0]), np.asarray(found[1])

    def close(self) -> None:
        """End the process."""
        self._line.close()
        self._process.kill()
        self._process.join()

    def _answer(self) -> Any:
        if not self._line.poll(self._timeout):
            self.close()
            raise RuntimeError(f"ngspice gave no answer within {self._timeout:g} s")
        try:
            said = self._line.recv()
        except (EOFError, ConnectionError):
            raise self._dead() from None
        if isinstance(said, Exception):
            self.close()
            raise said
        return said

    def _dead(self) -> RuntimeError:
        self.close()
        return RuntimeError(f"the process of ngspice ended, code {self._process.exitcode}")


def _serve(netlist: str, dt: float, nodes: tuple[str, ...], line: Connection) -> None:
    """Step until the other side hangs up."""
    try:
        stepper = Stepper(netlist, dt, nodes)
        line.send("ready")
        while True:
            line.send(stepper.advance(line.recv()))
    except (EOFError, ConnectionError):
        return
    except (RuntimeError, MissingTool) as error:
        line.send(error)
