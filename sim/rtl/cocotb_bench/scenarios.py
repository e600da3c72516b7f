"""The tests that cocotb runs: one for each scenario of :mod:`..plan`."""

from __future__ import annotations

from typing import Any

import cocotb

from .bench import run_scenario


@cocotb.test()
async def full_speed(dut: Any) -> None:
    """The given stimulus; no side ever waits."""
    await run_scenario(dut, "full_speed")


@cocotb.test()
async def idle_sources(dut: Any) -> None:
    """Sources pause at random."""
    await run_scenario(dut, "idle_sources")


@cocotb.test()
async def slow_sinks(dut: Any) -> None:
    """Sinks push back at random."""
    await run_scenario(dut, "slow_sinks")


@cocotb.test()
async def idle_and_slow(dut: Any) -> None:
    """Both, in bursts."""
    await run_scenario(dut, "idle_and_slow")


@cocotb.test()
async def empty_steps(dut: Any) -> None:
    """No spike at all."""
    await run_scenario(dut, "empty_steps")


@cocotb.test()
async def all_ones(dut: Any) -> None:
    """Every line in every step, the highest rate that the inputs can have."""
    await run_scenario(dut, "all_ones")


@cocotb.test()
async def saturation_up(dut: Any) -> None:
    """The lines that excite in every step."""
    await run_scenario(dut, "saturation_up")


@cocotb.test()
async def saturation_down(dut: Any) -> None:
    """The lines that inhibit in every step."""
    await run_scenario(dut, "saturation_down")


@cocotb.test()
async def reset_in_clear(dut: Any) -> None:
    """Reset again while the memories are cleared."""
    await run_scenario(dut, "reset_in_clear")


@cocotb.test()
async def reset_in_accept(dut: Any) -> None:
    """Reset while a spike's weights are added."""
    await run_scenario(dut, "reset_in_accept")


@cocotb.test()
async def reset_in_sweep(dut: Any) -> None:
    """Reset in the middle of a sweep."""
    await run_scenario(dut, "reset_in_sweep")


@cocotb.test()
async def reset_in_send(dut: Any) -> None:
    """Reset while an output event waits for its sink."""
    await run_scenario(dut, "reset_in_send")


@cocotb.test()
async def reset_at_random(dut: Any) -> None:
    """Reset in clocks that a seed draws."""
    await run_scenario(dut, "reset_at_random")
