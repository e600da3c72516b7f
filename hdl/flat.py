"""Streams of events as the ports of a top module."""

from __future__ import annotations

from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from .aer import address_shape

__all__ = ["flat_ports", "join_inlet", "join_outlet"]


def flat_ports(prefix: str, direction: type[In] | type[Out], n: int) -> dict[str, wiring.Member]:
    """Ports of a stream of events, one signal a port."""
    back = Out if direction is In else In
    return {
        f"{prefix}_valid": direction(1),
        f"{prefix}_ready": back(1),
        f"{prefix}_tick": direction(1),
        f"{prefix}_address": direction(address_shape(n)),
    }


def join_inlet(m: Module, top: wiring.Component, prefix: str, inlet: stream.Interface) -> None:
    """Feed ``inlet`` from the ports of ``top`` that begin with ``prefix``."""
    m.d.comb += [
        inlet.valid.eq(getattr(top, f"{prefix}_valid")),
        inlet.payload.tick.eq(getattr(top, f"{prefix}_tick")),
        inlet.payload.address.eq(getattr(top, f"{prefix}_address")),
        getattr(top, f"{prefix}_ready").eq(inlet.ready),
    ]


def join_outlet(m: Module, top: wiring.Component, prefix: str, outlet: stream.Interface) -> None:
    """Offer ``outlet`` at the ports of ``top`` that begin with ``prefix``."""
    m.d.comb += [
        getattr(top, f"{prefix}_valid").eq(outlet.valid),
        getattr(top, f"{prefix}_tick").eq(outlet.payload.tick),
        getattr(top, f"{prefix}_address").eq(outlet.payload.address),
        outlet.ready.eq(getattr(top, f"{prefix}_ready")),
    ]
