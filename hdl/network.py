"""A network as hardware: cores and the streams between them.

Every population has a core; several sources join in a :class:`~.aer.Merge`, spikes for
several sinks part in a :class:`~.aer.Fork`. A connection with a delay goes through a
:class:`~.aer.Delay`. A population that nothing reaches within the step would run ahead of the
network: it is paced by the ticks of the first input, or of a port ``in_step`` where the
network has no input.
"""

from __future__ import annotations

import json
from collections import defaultdict

from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..golden.quantise import NetworkContract
from .aer import Delay, Fork, Merge, Queue, TickOnly, event_stream, join
from .convolution import ConvolutionCore, Kernels, kernels_of
from .core import Core, trace_members
from .flat import flat_ports
from .laned import LanedCore
from .lanes import Lanes, groups_of, lanes_of
from .names import identifiers
from .weights import Store, Stores, check_blocks, load_fields, stores_of

__all__ = [
    "NetworkTop",
    "Source",
    "input_sizes",
    "module_notes",
    "port_names",
    "sources_of",
]


class Source:
    """A source of a population: a connection, or the pace (``connection is None``)."""

    def __init__(self, pre: str, connection: int | None, delay: int) -> None:
        self.pre = pre
        self.connection = connection
        self.delay = delay


def input_sizes(contract: NetworkContract) -> dict[str, int]:
    """Lines of each input; of a network without inputs, the one line ``step`` that paces it."""
    if contract.inputs:
        return dict(contract.inputs)
    pace = "step"
    while pace in contract.populations:
        pace += "_"
    return {pace: 1}


def sources_of(contract: NetworkContract, name: str) -> list[Source]:
    """The sources of population ``name`` in the order of its weight rows."""
    out = [Source(c.pre, k, c.delay) for k, c in enumerate(contract.connections) if c.post == name]
    if not any(s.delay == 0 for s in out):
        out.append(Source(next(iter(input_sizes(contract))), None, 0))
    return out


def port_names(contract: NetworkContract) -> dict[str, dict[str, str]]:
    """Identifier of each input and population, by kind; distinct across both."""
    inputs = list(input_sizes(contract))
    words = identifiers([*inputs, *contract.populations])
    return {
        "inputs": {name: words[name] for name in inputs},
        "populations": {name: words[name] for name in contract.populations},
    }


def module_notes(
    contract: NetworkContract, top: str, lanes: Lanes = 1, kernels: Kernels | None = None
) -> dict[str, str]:
    """What the Verilog says above each module, by the module's place below ``top``."""
    names, parallel = port_names(contract), lanes_of(contract, lanes)
    notes = {}
    for name, word in names["populations"].items():
        c = contract.populations[name]
        core = f"{top}.core_{word}"
        shown = json.dumps(name)
        words = f"state Q{c.width - c.fraction}.{c.fraction}, weights of {c.weight_width} bits\n"
        count = parallel[name]
        groups = groups_of(c.n, count)
        shared = name in (kernels or {})
        spike = "a clock for each neuron it reaches, and a few" if shared else f"{c.n} clocks"
        notes[f"{core}.reach"] = f"population {shown}: what a spike reaches through the kernel"
        notes[core] = f"population {shown}: " + (
            f"{c.n} neurons in turn, {words}"
            f"a spike takes {spike}, a neuron three, a spike or tick that leaves one"
            if count == 1
            else f"{c.n} neurons, {count} at once, {words}"
            f"a spike takes {groups} clocks, a sweep {groups} and two, "
            "a spike or tick that leaves one"
        )
        for place in (core,) if count == 1 else [f"{core}.lane_{k}" for k in range(count)]:
            notes[f"{place}.leak"] = f"population {shown}: input, decay of the stored state"
            notes[f"{place}.fire"] = (
                f"population {shown}: integration, comparison, reset, refractory period"
            )
        notes[f"{top}.queue_{word}"] = f"the events of {shown} wait here for the cores it feeds"
        notes[f"{top}.merge_{word}"] = f"the sources of {shown}: a step ends when all have ended it"
        for k, s in enumerate(sources_of(contract, name)):
            pre = json.dumps(s.pre)
            notes[f"{top}.delay_{word}_{k}"] = f"{pre} to {shown}, {later(s.delay)}"
            notes[f"{top}.pace_{word}_{k}"] = f"{shown} goes at the pace of {pre}: ticks alone"
    for name, word in (names["inputs"] | names["populations"]).items():
        notes[f"{top}.fork_{word}"] = f"the events of {json.dumps(name)} for several sinks"
    return notes


def later(steps: int) -> str:
    """A delay in words."""
    return "one time step later" if steps == 1 else f"{steps} time steps later"


class NetworkTop(wiring.Component):
    """The network's top.

    Parameters
    ----------
    trace
        With ports that show each neuron's state.
    lanes
        Neurons that each population, or each by name, handles at once; a power of two.
    stores
        What the weight memories are made of, see :class:`~.weights.Store`.
    loadable
        Whether all weights can be written at run time; those in SPRAM always can.
    kernels
        Populations whose weights are stored as a shared kernel, see :mod:`~.convolution`.

    Members
    -------
    in_<input>_valid, _ready, _tick, _address
        Events into the network.
    out_<population>_valid, _ready, _tick, _address
        Events of each output population.
    trace_<population>_valid, _index, _u, _i, _spike
        With ``trace``: the state after each neuron's step; no back-pressure.
    load_valid, _ready, _population, _address, _data
        With weights that can be written: loads, see :mod:`~.weights`.
    """

    def __init__(
        self,
        contract: NetworkContract,
        *,
        trace: bool = False,
        lanes: Lanes = 1,
        stores: Stores = Store.AUTO,
        loadable: bool = False,
        kernels: Kernels | None = None,
    ) -> None:
        self.contract = contract
        self.trace = trace
        self.lanes = lanes_of(contract, lanes)
        self.stores = stores_of(contract, stores)
        check_blocks(contract, self.lanes, self.stores)
        self.loadable = {k: loadable or s is Store.SPRAM for k, s in self.stores.items()}
        self.kernels = kernels_of(contract, kernels or {}, self._plain())
        names = port_names(contract)
        self.input_names, self.population_names = names["inputs"], names["populations"]
        self.sizes = input_sizes(contract)
        members: dict[str, wiring.Member] = {}
        for name, word in self.input_names.items():
            members |= flat_ports(f"in_{word}", In, self.sizes[name])
        for name in contract.outputs:
            n = contract.populations[name].n
            members |= flat_ports(f"out_{self.population_names[name]}", Out, n)
        for name, word in self.population_names.items() if trace else ():
            fields = {"valid": 1, **trace_members(contract.populations[name])}
            members |= {f"trace_{word}_{k}": Out(shape) for k, shape in fields.items()}
        if any(self.loadable.values()):
            load = {"valid": 1, **load_fields(contract)}
            members |= {f"load_{k}": In(shape) for k, shape in load.items()}
            members["load_ready"] = Out(1)
        super().__init__(members)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        if any(self.loadable.values()):
            # A load for a population that cannot be loaded is taken and ignored.
            m.d.comb += self.load_ready.eq(1)
        produced = {name: self._input(m, name) for name in self.input_names}
        wanted: dict[str, list[stream.Interface]] = defaultdict(list)
        for name in self.population_names:
            core = self._core(m, name, wanted)
            produced[name] = self._queued(m, name, core)
        for name in dict.fromkeys(self.contract.outputs):
            n = self.contract.populations[name].n
            outlet = event_stream(n).create(path=[f"outlet_{self.population_names[name]}"])
            self._port(m, f"out_{self.population_names[name]}", outlet)
            wanted[name].append(outlet)
        for name, streams in produced.items():
            self._spread(m, name, streams, wanted[name])
        return m

    def _plain(self) -> dict[str, bool]:
        """Whether a population has one lane, and weights where the synthesiser puts them."""
        return {
            name: count == 1 and self.stores[name] is Store.AUTO and not self.loadable[name]
            for name, count in self.lanes.items()
        }

    def _word(self, name: str) -> str:
        return (self.input_names | self.population_names)[name]

    def _size(self, name: str) -> int:
        return self.sizes[name] if name in self.sizes else self.contract.populations[name].n

    def _input(self, m: Module, name: str) -> stream.Interface:
        word = self.input_names[name]
        inlet = event_stream(self.sizes[name]).create(path=[f"inlet_{word}"])
        m.d.comb += [
            inlet.valid.eq(getattr(self, f"in_{word}_valid")),
            inlet.payload.tick.eq(getattr(self, f"in_{word}_tick")),
            inlet.payload.address.eq(getattr(self, f"in_{word}_address")),
            getattr(self, f"in_{word}_ready").eq(inlet.ready),
        ]
        return inlet

    def _port(self, m: Module, prefix: str, outlet: stream.Interface) -> None:
        m.d.comb += [
            getattr(self, f"{prefix}_valid").eq(outlet.valid),
            getattr(self, f"{prefix}_tick").eq(outlet.payload.tick),
            getattr(self, f"{prefix}_address").eq(outlet.payload.address),
            outlet.ready.eq(getattr(self, f"{prefix}_ready")),
        ]

    def _core(
        self, m: Module, name: str, wanted: dict[str, list[stream.Interface]]
    ) -> Core | LanedCore:
        """Core, merge and delays of a population; its wishes go into ``wanted``."""
        c, word = self.contract.populations[name], self.population_names[name]
        sources = sources_of(self.contract, name)
        sizes, matrices = [], []
        for s in sources:
            if s.connection is None:
                sizes.append(1)
            else:
                sizes.append(self._size(s.pre))
                matrices.append(self.contract.connections[s.connection].weight)
        count, rows = self.lanes[name], sum(sizes)
        store, loadable = self.stores[name], self.loadable[name]
        core: Core | LanedCore
        if name in self.kernels:
            core = ConvolutionCore(c, self.kernels[name], rows)
        elif count == 1:
            core = Core(c, matrices, rows, store=store, loadable=loadable)
        else:
            core = LanedCore(
                c, matrices, rows, count, trace=self.trace, store=store, loadable=loadable
            )
        m.submodules[f"core_{word}"] = core
        if loadable:
            self._load(m, name, core)
        inlets = [core.source]
        if len(sources) > 1:
            m.submodules[f"merge_{word}"] = merge = Merge(sizes)
            wiring.connect(m, merge.sink, core.source)
            inlets = [getattr(merge, f"source_{k}") for k in range(len(sources))]
        for k, (s, inlet) in enumerate(zip(sources, inlets, strict=True)):
            wanted[s.pre].append(self._route(m, f"{word}_{k}", s, inlet))
        if self.trace:
            m.d.comb += getattr(self, f"trace_{word}_valid").eq(core.trace_valid)
            for field in trace_members(c):
                m.d.comb += getattr(self, f"trace_{word}_{field}").eq(core.trace[field])
        return core

    def _load(self, m: Module, name: str, core: Core | LanedCore) -> None:
        """Give a core the loads of its population."""
        index = list(self.population_names).index(name)
        m.d.comb += [
            core.load.payload.address.eq(self.load_address),
            core.load.payload.data.eq(self.load_data),
        ]
        with m.If(self.load_population == index):
            m.d.comb += [core.load.valid.eq(self.load_valid), self.load_ready.eq(core.load.ready)]

    def _queued(self, m: Module, name: str, core: Core | LanedCore) -> stream.Interface:
        """What a core sends; a quick one need not wait for the cores that it feeds."""
        if self.lanes[name] == 1 or not any(c.pre == name for c in self.contract.connections):
            return core.sink
        m.submodules[f"queue_{self._word(name)}"] = queue = Queue(core.contract.n)
        wiring.connect(m, core.sink, queue.source)
        return queue.sink

    def _route(self, m: Module, label: str, s: Source, inlet: stream.Interface) -> stream.Interface:
        """What the source must feed so that its events reach ``inlet`` rightly."""
        n = self._size(s.pre)
        if s.connection is None:
            m.submodules[f"pace_{label}"] = pace = TickOnly(n)
            wiring.connect(m, pace.sink, inlet)
            return pace.source
        if s.delay:
            m.submodules[f"delay_{label}"] = delay = Delay(n, s.delay)
            wiring.connect(m, delay.sink, inlet)
            return delay.source
        return inlet

    def _spread(
        self, m: Module, name: str, produced: stream.Interface, wanted: list[stream.Interface]
    ) -> None:
        """Give the events of one producer to all that want them."""
        if not wanted:
            m.d.comb += produced.ready.eq(1)
            return
        if len(wanted) == 1:
            join(m, produced, wanted[0])
            return
        m.submodules[f"fork_{self._word(name)}"] = fork = Fork(self._size(name), len(wanted))
        join(m, produced, fork.source)
        for k, inlet in enumerate(wanted):
            join(m, getattr(fork, f"sink_{k}"), inlet)
