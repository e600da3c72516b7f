"""How the registers of a stream component and those of its monitors belong together.

Induction begins in any state; without these links it would begin in states that no run reaches.
They are proved along with the promises, never assumed: a wrong one fails the proof.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import z3

from ..core import Phase
from ..laned import Phase as LanedPhase
from ..lanes import groups_of

__all__ = ["core_links", "fork_links", "held_links", "laned_links", "merge_links"]

Signals = Mapping[str, z3.BitVecRef]
Links = dict[str, z3.BoolRef]


def fork_links(s: Signals, sinks: int) -> Links:
    """The component's note of who has the event is the monitor's."""
    had = [s[f"sink_{k}_had"] for k in reversed(range(sinks))]
    if sinks == 1:  # wires alone
        return {"link_none_had": had[0] == 0}
    return {"link_taken": s["dut.taken"] == z3.Concat(*had)}


def merge_links(s: Signals, sizes: Sequence[int]) -> Links:
    """Who ended the step, and that an event which waits is that of the source kept."""
    if len(sizes) == 1:
        return {}
    width, count = s["sink_kept"].size(), len(sizes)
    waits = []
    for k in range(count):
        held = s[f"source_{k}_kept"]
        tick = z3.Extract(0, 0, held)
        address = z3.Extract(held.size() - 1, 1, held)
        row = _to(address, width - 1) + sum(sizes[:k])
        others = z3.BitVecVal((1 << count) - 1 - (1 << k), count)
        chosen = z3.And(s["dut.waited"] == 1, s["dut.kept"] == k)
        offered = z3.And(
            s[f"source_{k}_waited"] == 1,
            z3.Extract(k, k, s["dut.ended"]) == 0,
            s["sink_kept"] == z3.Concat(row, tick),
            z3.Implies(tick == 1, (s["dut.ended"] & others) == others),
        )
        waits.append(z3.Implies(chosen, offered))
    top = z3.BitVecVal(count - 1, s["dut.kept"].size())
    return {
        "link_ended": s["dut.ended"] == s["ended_by"],
        "link_waited": s["dut.waited"] == s["sink_waited"],
        "link_kept": z3.ULE(s["dut.kept"], top),
        "link_offered": z3.And(*waits),
    }


def held_links(s: Signals, whole: int, steps: int) -> Links:
    """The count of events, and where in a queue of ``whole`` events the followed one is."""
    depth = whole - 1  # without the output register
    wide = (2 * (depth + steps) + 2).bit_length() + 1
    queue = {k: s[f"dut.queue.{k}"] for k in ("inner_level", "r_rdy", "r_data")}
    level, full = _to(queue["inner_level"], wide), _to(queue["r_rdy"], wide)
    read, write = (_to(s[f"dut.queue.{k}_port__addr"], wide) for k in "rw")
    begun = s["dut.begun"] if steps else z3.BitVecVal(0, s["began"].size())
    waiting = steps - _to(begun, wide)
    # Place of the followed event in the memory, where it is not in the output register.
    behind = _to(s["ahead"], wide) - waiting - full
    place = _modulo(read + behind, depth)
    words = [
        z3.Implies(place == k, s[f"dut.queue.storage[{k}]"] == s["followed"]) for k in range(depth)
    ]
    in_register = z3.And(full == 1, _to(s["ahead"], wide) == waiting)
    follows = z3.If(in_register, queue["r_data"] == s["followed"], z3.And(*words))
    return {
        "link_begun": z3.And(_to(begun, wide) == _to(s["began"], wide), z3.ULE(s["began"], steps)),
        "link_inside": _to(s["inside"], wide) == level + full + waiting,
        "link_level": z3.ULE(level, depth),
        "link_refused": z3.Implies(z3.And(s["refused"] == 1, level == depth), full == 1),
        "link_pointers": z3.And(z3.ULT(read, depth), write == _modulo(read + level, depth)),
        "link_no_early_read": z3.Implies(s["follow"] == 1, z3.UGE(_to(s["ahead"], wide), waiting)),
        "link_followed": z3.Implies(s["follow"] == 1, follows),
    }


def core_links(s: Signals, n: int) -> Links:
    """In which phases a step is on, and how far it has come."""
    phase, wide = s["dut.phase"], n.bit_length() + 1
    index, sent = _to(s["dut.index"], wide), _to(s["sent"], wide)
    sweeps = z3.And(z3.UGE(phase, Phase.READ.value), z3.ULE(phase, Phase.SEND.value))
    rests = z3.Or(phase == Phase.ACCEPT.value, phase == Phase.END.value)
    return {
        "link_busy": (s["busy"] == 1) == z3.UGE(phase, Phase.READ.value),
        "link_index": z3.ULT(index, n),
        "link_sent": z3.Implies(sweeps, z3.ULE(sent, index)),
        "link_none_sent": z3.Implies(z3.ULT(phase, Phase.READ.value), sent == 0),
        "link_at_rest": z3.Implies(rests, index == 0),
    }


def laned_links(s: Signals, n: int, lanes: int) -> Links:
    """How far the stages of the sweep have come, and which spikes may still wait."""
    groups, shift = groups_of(n, lanes), lanes.bit_length() - 1
    wide = (groups * lanes).bit_length() + 2
    phase, sent = s["dut.phase"], _to(s["sent"], wide)
    reading, leaking, firing = (s[f"dut.{k}"] == 1 for k in ("reading", "leaking", "firing"))
    finished, waiting = s["dut.finished"] == 1, s["dut.waiting"]
    zero = z3.BitVecVal(0, wide)
    group, leak, fire, fired = (
        _to(s[f"dut.{k}"], wide) if f"dut.{k}" in s else zero
        for k in ("group", "leak_group", "fire_group", "fired_group")
    )
    busy = z3.Or(phase == LanedPhase.SWEEP.value, phase == LanedPhase.SHOW.value)
    rests = z3.Or(reading, leaking, firing, finished, waiting != 0)
    last = z3.BitVecVal(groups - 1, wide)
    # The group that fires next; none after the last.
    coming = z3.If(firing, fire, z3.If(leaking, leak, z3.If(reading, group, last + 1)))
    first = z3.BitVecVal(lanes, wide)
    for k in reversed(range(lanes)):
        first = z3.If(z3.Extract(k, k, waiting) == 1, z3.BitVecVal(k, wide), first)
    filled = (1 << (n - (groups - 1) * lanes)) - 1
    empty = z3.BitVecVal(((1 << lanes) - 1) & ~filled, lanes)
    begun = z3.ULT(phase, LanedPhase.SWEEP.value)
    return {
        "link_busy": (s["busy"] == 1) == busy,
        "link_phase": z3.ULE(phase, LanedPhase.SHOW.value),
        "link_groups": z3.And(*(z3.ULE(g, last) for g in (group, leak, fire, fired))),
        "link_at_rest": z3.Implies(begun, z3.And(z3.Not(rests), sent == 0)),
        "link_begins": z3.Implies(phase == LanedPhase.ACCEPT.value, group == 0),
        "link_leaks": z3.Implies(leaking, z3.If(reading, group == leak + 1, leak == last)),
        "link_fires": z3.Implies(firing, z3.If(leaking, leak == fire + 1, fire == last)),
        "link_no_gap": z3.Implies(z3.And(reading, firing), leaking),
        "link_reads": z3.Implies(z3.And(reading, z3.Not(leaking)), group == 0),
        "link_stops": z3.Implies(z3.And(busy, z3.Not(reading)), group == 0),
        "link_fired": z3.Implies(waiting != 0, fired + 1 == coming),
        "link_finished": z3.Implies(finished, z3.And(coming == last + 1, fired == last)),
        "link_filled": z3.Implies(fired == last, waiting & empty == 0),
        "link_waits": z3.Implies(waiting != 0, z3.ULE(sent, (fired << shift) + first)),
        "link_sent": z3.Implies(waiting == 0, z3.ULE(sent, coming << shift)),
    }


def _to(term: z3.BitVecRef, width: int) -> z3.BitVecRef:
    more = width - term.size()
    return z3.ZeroExt(more, term) if more > 0 else z3.Extract(width - 1, 0, term)


def _modulo(term: z3.BitVecRef, depth: int) -> z3.BitVecRef:
    """Of a number below twice ``depth``."""
    return z3.If(z3.UGE(term, depth), term - depth, term)
