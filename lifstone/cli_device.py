"""Commands for a network on a board, or in a simulated one: identify, run, generate."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .console import assumed, emit_json, write_text
from .golden.errors import require
from .options import (
    contract_options,
    lanes_from,
    lanes_option,
    load,
    model_argument,
    output_folder,
    stimulus_from,
    stimulus_options,
    together,
)

if TYPE_CHECKING:
    from .golden import NetworkContract
    from .sim.host import Device

__all__ = ["device"]

_port_options = together(
    click.option("--port", help="Serial port of the board, as /dev/ttyUSB0 or COM3."),
    click.option("--baud", type=int, default=115_200, show_default=True, help="Of the port."),
)
_json = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")


@click.group()
def device() -> None:
    """Talk to a network on a board, or to a simulation of the same hardware.

    \b
    Examples:
      lifstone device generate model.nir --out rtl --link uart
      lifstone device identify --port /dev/ttyUSB0
      lifstone device run model.nir --port /dev/ttyUSB0 --load
      lifstone device run model.nir --simulate --link spi --stimulus spikes.npz
    """


@device.command()
@_port_options
@_json
def identify(port: str | None, baud: int, as_json: bool) -> None:
    """Say what network the board holds, and what it has counted.

    \b
    Example:
      lifstone device identify --port /dev/ttyUSB0
    """
    from .sim.host import Device
    from .sim.host_link import SerialLink

    require(port is not None, "port", port, "the serial port of the board")
    with Device(SerialLink(str(port), baud)) as opened:
        found = {**_about(opened), "counters": opened.counters()}
    if as_json:
        emit_json(found)
        return
    for key, value in found.items():
        click.echo(f"{key}: {value}")


@device.command()
@model_argument
@_port_options
@click.option("--simulate", is_flag=True, help="Simulate the board in place of a port.")
@click.option("--link", default="uart", show_default=True, help="Of a simulated one: uart, spi.")
@click.option("--load", "loads", is_flag=True, help="Load the model's weights first.")
@_json
@lanes_option
@stimulus_options
@contract_options
@click.pass_context
def run(
    context: click.Context,
    /,
    model: Path,
    port: str | None,
    baud: int,
    simulate: bool,
    link: str,
    loads: bool,
    lanes: str,
    as_json: bool,
    **o: Any,
) -> None:
    """Run MODEL (.nir) on the device and compare its spikes with the contract's.

    The device must have been made for this network with these widths. Exit code 1 if a spike
    differs.

    \b
    Examples:
      lifstone device run model.nir --port /dev/ttyUSB0 --stimulus spikes.npz
      lifstone device run model.nir --simulate --steps 50
    """
    require((port is not None) != simulate, "port", port, "either --port or --simulate")
    parallel = lanes_from(lanes)
    imported, quantised = load(model, o)
    stimulus = stimulus_from(imported.network, o)
    contract = quantised.contract
    with _opened(contract, port, baud, link, parallel) as opened:
        if loads:
            opened.load(contract)
        result = {**_about(opened), **_compared(opened, contract, stimulus)}
        result["repeated_requests"] = opened.repeated
    if as_json:
        emit_json({**result, "stimulus": stimulus.origin})
    else:
        assumed(imported)
        click.echo(f"stimulus: {stimulus.origin}")
        for key, value in result.items():
            click.echo(f"{key.replace('_', ' ')}: {value}")
    context.exit(0 if result["verdict"] == "exact" else 1)


@device.command("generate")
@model_argument
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder to write.")
@click.option("--link", default="uart", show_default=True, help="uart, spi or wishbone.")
@click.option("--name", default="lifstone_host", show_default=True, help="Top module.")
@click.option("--divisor", type=int, default=104, show_default=True, help="Clocks of a UART bit.")
@_json
@lanes_option
@contract_options
def generate_host(
    model: Path, out: Path, link: str, name: str, divisor: int, lanes: str, as_json: bool, **o: Any
) -> None:
    """Write Verilog of MODEL (.nir) behind a host interface, with weights that can be loaded.

    \b
    Example:
      lifstone device generate model.nir --out rtl --link wishbone
    """
    from .hdl.host import host_verilog
    from .hdl.lint import waiver_file

    output_folder(out)
    parallel = lanes_from(lanes)
    imported, quantised = load(model, o)
    text = host_verilog(quantised.contract, link, name, divisor=divisor, lanes=parallel)
    for file, content in ((f"{name}.vlt", waiver_file(f"{name}.v")), (f"{name}.v", text)):
        write_text(out / file, content)
    if as_json:
        emit_json({"name": name, "link": link, "files": [f"{name}.v", f"{name}.vlt"]})
        return
    assumed(imported)
    click.echo(f"written to {out}: {name}.v and its lint waivers")


def _opened(
    contract: NetworkContract, port: str | None, baud: int, link: str, lanes: Any
) -> Device:
    from .sim.host import Device
    from .sim.host_link import SerialLink
    from .sim.host_simulated import simulated_link

    if port is not None:
        return Device(SerialLink(port, baud))
    return Device(simulated_link(contract, link, lanes=lanes))


def _about(opened: Device) -> dict[str, Any]:
    identity = opened.identity
    return {
        "contract_sha256": identity.contract_sha256,
        "weights": "whole" if identity.sealed else "half loaded",
        "inputs": identity.inputs,
        "outputs": identity.outputs,
        "neurons": [p.n for p in identity.populations],
    }


def _compared(opened: Device, contract: NetworkContract, stimulus: Any) -> dict[str, Any]:
    """The verdict on each sample until one deviates, and how many spikes came."""
    import numpy as np

    from .golden import Trace, compare_exact, run_contract

    spikes, verdict = 0, "exact"
    for k in range(stimulus.samples):
        inputs = stimulus.sample(k)
        expected = run_contract(contract, inputs, stimulus.steps)
        found = opened.run(contract, inputs, stimulus.steps)
        none = {n: np.zeros(s.shape, dtype=np.int64) for n, s in found.items()}
        traces = {n: Trace(none[n], none[n], s) for n, s in found.items()}
        wanted = {n: expected[n] for n in found}
        spikes += sum(int(s.sum()) for s in found.values())
        verdict = str(compare_exact("device", "contract", wanted, traces, states=False))
        if verdict != "exact":
            verdict = f"sample {k}: {verdict}"
            break
    return {"spikes": spikes, "verdict": verdict}
