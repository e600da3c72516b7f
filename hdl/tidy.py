"""Generated Verilog made readable: plain names, and no wire that nobody reads.

Yosys keeps every signal of the source and numbers what had no name (``\\$12``); dots mark
fields and dollars tell namesakes apart, which Verilog must escape. Here, module by module,

* a field of a structure is read by its name, ``numbers_threshold`` for ``numbers[32:21]``;
* a second name of a signal, and a signal that nobody reads, go;
* a register's next value, a memory's answer and a stream between two instances are named
  after the register, the memory and the instance;
* the values of an enumeration stand beside the cases.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from .names import KEYWORDS

__all__ = ["tidy"]

_TOKEN = re.compile(r"(?<![\w$.'])[A-Za-z_$][\w$]*(?:\.[\w$]+)*")
_NAMESAKE = re.compile(r"(?<![\w$'])[A-Za-z_][\w.]*(?:\$\d+)+(?![\w$])")
_NAME = r"([A-Za-z_$][\w$]*(?:\.[\w$]+)*)"
_RANGE = r"(?:\[[^\]]*\] )?"
_DECLARED = re.compile(rf"^  (input|output|wire|reg) {_RANGE}{_NAME}\b.*;$")
_ASSIGN = re.compile(rf"^  assign {_NAME}(\[[^\]]*\])? = (.*);$")
_SLICE = re.compile(rf"{_NAME}\[[^\]]*\]$")
_WIDTH = 96


def tidy(text: str, notes: Mapping[str, str]) -> str:
    """Modules as Yosys writes them, made readable.

    ``notes`` maps a module's place, such as ``top.core_a.leak``, to what is said above it.
    """
    found = re.findall(r"^module .*?^endmodule$", text, re.MULTILINE | re.DOTALL)
    modules = _plain_namesakes([_unescape(m) for m in found])
    heads = _plain_heads([_head(m) for m in modules])
    out = []
    for module in modules:
        lines = module.splitlines()
        for change in (_name_fields, _drop_aliases, _drop_unread, _say_phases):
            lines = change(lines)
        lines = _declare(_rename(lines, _names(lines, heads)))
        note = notes.get(_head(module), "")
        comment = "".join(f"// {line}\n" for line in note.splitlines())
        out.append(comment + "\n".join(lines) + "\n")
    return "\n".join(out)


def _unescape(text: str) -> str:
    """Escaped identifiers without their backslash and final blank; the ports in one line."""
    text = re.sub(r"\A[^;]*", lambda head: " ".join(head[0].split()), text)
    text = re.sub(r"\\\$auto\$verilog_backend\S+ ", "at_start", text)
    text = re.sub(r"\\\$auto\$\S*\$(\d+) ", r"$x\1", text)
    # The event that starts every always block: SystemVerilog sets what a declaration
    # initialises before any block waits, so a simulator in that mode would never see it.
    text = text.replace("  reg at_start = 0;", "  reg at_start;\n  initial at_start = 0;")
    return re.sub(r"\\(\S+) ", r"\1", text)


def _plain_namesakes(modules: list[str]) -> list[str]:
    """Ports and instances that a dollar and a number tell from their namesakes, without both.

    The same in all modules, for a port is named in its parent, too.
    """
    known = {token for module in modules for token in _TOKEN.findall(module)}
    faced = {p for module in modules for p in re.findall(r"[\w$.]+", module.split(";")[0])}
    faced |= {n for module in modules for n in re.findall(rf"^  \S+ {_NAME} \($", module, re.M)}
    names: dict[str, str] = {}
    for name in sorted(n for n in faced if _NAMESAKE.fullmatch(n)):
        word, k = name.replace("$", "_"), 2
        while word in known:
            word, k = f"{name.replace('$', '_')}_{k}", k + 1
        known.add(word)
        names[name] = word
    return [_NAMESAKE.sub(lambda t: names.get(t[0], t[0]), module) for module in modules]


def _head(module: str) -> str:
    found = re.match(rf"module {_NAME}", module)
    assert found is not None
    return found[1]


def _plain_heads(names: Sequence[str]) -> dict[str, str]:
    """Distinct module names without dots; those nearer to the top keep theirs."""
    out: dict[str, str] = {}
    for name in sorted(names, key=lambda n: n.count(".")):
        base = name.replace(".", "_")
        word, k = base, 2
        while word in out.values():
            word, k = f"{base}_{k}", k + 1
        out[name] = word
    return out


def _rename(lines: Iterable[str], names: Mapping[str, str]) -> list[str]:
    return [_TOKEN.sub(lambda t: names.get(t[0], t[0]), line) for line in lines]


def _kinds(lines: Iterable[str]) -> dict[str, set[str]]:
    """For each declared name, its declarations: input, output, wire, reg."""
    out: dict[str, set[str]] = {}
    for line in lines:
        found = _DECLARED.match(line)
        if found is not None:
            out.setdefault(found[2], set()).add(found[1])
    return out


def _name_fields(lines: list[str]) -> list[str]:
    """Read a slice by the name of the field that lies there."""
    fields: dict[str, str] = {}
    for line in lines:
        found = _ASSIGN.match(line)
        if not (found and found[2] is None and _SLICE.match(found[3])):
            continue
        if "." in found[1] or (found[3][0] == "$" and found[1][0] != "$"):
            fields.setdefault(found[3], found[1])
    if not fields:
        return lines
    pattern = re.compile(r"(?<![\w$.])(" + "|".join(re.escape(s) for s in fields) + r")(?! *<?= )")
    out = []
    for line in lines:
        found = _ASSIGN.match(line)
        own = found is not None and fields.get(found[3]) == found[1]
        out.append(line if own else pattern.sub(lambda m: fields[m[1]], line))
    return out


def _drop_aliases(lines: list[str]) -> list[str]:
    """Let a numbered wire, or a field, that is another signal be that signal."""
    kinds = _kinds(lines)
    same: dict[str, str] = {}

    def final(name: str) -> str:
        while name in same:
            name = same[name]
        return name

    kept = []
    for line in lines:
        found = _ASSIGN.match(line)
        if found is not None and found[2] is None and found[3] in kinds:
            left, right = final(found[1]), final(found[3])
            for second, other in ((right, left), (left, right)):
                minor = second[0] == "$" or "." in second
                if minor and kinds[second] == {"wire"} and second != other:
                    same[second] = other
                    break
            else:
                kept.append(line)
            continue
        kept.append(line)
    rest = [x for x in kept if (m := _DECLARED.match(x)) is None or m[2] not in same]
    return _rename(rest, {name: final(name) for name in same})


def _drop_unread(lines: list[str]) -> list[str]:
    """Without the wires whose only mention is their declaration and what they are assigned."""
    wires = {name for name, kinds in _kinds(lines).items() if kinds == {"wire"}}
    count = Counter(t for line in lines for t in _TOKEN.findall(line) if t in wires)
    while True:
        targets = Counter(m[1] for line in lines if (m := _ASSIGN.match(line)))
        dead = {name for name in wires if count[name] == targets[name] + 1}
        if not dead:
            return lines
        kept: list[str] = []
        for line in lines:
            found = _ASSIGN.match(line) or _DECLARED.match(line)
            if found is None or (found[1] not in dead and found[2] not in dead):
                kept.append(line)
                continue
            count.subtract(t for t in _TOKEN.findall(line) if t in wires)
            while kept and kept[-1].startswith("  (*"):
                kept.pop()
        lines, wires = kept, wires - dead


def _say_phases(lines: list[str]) -> list[str]:
    """Names of an enumeration as comments of its cases instead of attributes."""
    values: dict[str, dict[int, str]] = {}
    seen: dict[int, str] = {}
    current: list[dict[int, str]] = []
    out = []
    for line in lines:
        attribute = re.match(r'  \(\* enum_(?:value_([01]+)|base_type) = "(\w+)" \*\)', line)
        if attribute is not None:
            if attribute[1]:
                seen[int(attribute[1], 2)] = attribute[2]
            continue
        declared = _DECLARED.match(line)
        if declared is not None and seen:
            values[declared[2]], seen = seen, {}
        case = re.match(r"\s*casez \((.*)\)$", line)
        if case is not None:
            current.append(values.get(case[1], {}))
        label = re.match(r"\s*\d+'h([0-9a-f]+):$", line)
        if label is not None and current:
            name = current[-1].get(int(label[1], 16))
            line = f"{line} // {name}" if name else line
        if line.strip() == "endcase":
            current.pop()
        out.append(line)
    return out


def _names(lines: list[str], heads: Mapping[str, str]) -> dict[str, str]:
    """The final name of everything in a module that needs another one."""
    kinds = _kinds(lines)
    names: dict[str, str] = {}
    used = {*KEYWORDS, *(n for n in kinds if re.fullmatch(r"\w+", n) and not _vague(n, kinds))}

    def choose(name: str, wish: str) -> None:
        if name in names or name not in kinds or not _vague(name, kinds):
            return
        base = re.sub(r"_+", "_", re.sub(r"\W", "_", wish)).strip("_") or "n"
        base = f"n_{base}" if base[0].isdigit() else base
        word, k = base, 2
        while word in used:
            word, k = f"{base}_{k}", k + 1
        used.add(word)
        names[name] = word

    _wishes(lines, choose)
    for name in kinds:
        choose(name, f"n_{name[1:]}" if name[0] == "$" else name)
    return {**heads, **names}


def _vague(name: str, kinds: Mapping[str, set[str]]) -> bool:
    """Whether a name is numbered, escaped, or that of a stream's end inside its parent."""
    inner = not kinds[name] & {"input", "output"}
    stream = re.match(r"(sink|source)(_\d+)?__|trace$", name) is not None
    return inner and (re.fullmatch(r"(?!_\d+_$)\w+", name) is None or stream)


def _wishes(lines: list[str], choose: Callable[[str, str], None]) -> None:
    """Names from what a signal feeds: a register, a memory's reader, an instance."""
    instance = ""
    for line in lines:
        following = re.match(rf"\s+{_NAME} <= {_NAME};$", line)
        answer = re.match(rf"  assign {_NAME} = (_\d+_);$", line)
        begins = re.match(rf"  {_NAME} {_NAME} \($", line)
        joined = re.match(rf"    \.(\w+)\({_NAME}\),?$", line)
        if following is not None and following[2][0] == "$":
            choose(following[2], f"{following[1]}_next")
        elif answer is not None:
            choose(answer[2], f"{answer[1]}_q")
        elif begins is not None:
            instance = begins[2]
        elif joined is not None:
            choose(joined[2], f"{instance}_{joined[1]}")


def _declare(lines: list[str]) -> list[str]:
    """Ports in an order for people, one declaration a port."""
    ports: list[str] = []
    out: list[str] = []
    previous = ""
    for line in lines[1:]:
        found = _DECLARED.match(line)
        if found is not None and found[1] in ("input", "output"):
            ports.append(found[2])
        if found is not None and previous and line == previous:
            previous = ""
            continue
        is_port = found is not None and found[1] in ("input", "output")
        previous = re.sub(r"^  (input|output) ", "  wire ", line) if is_port else ""
        out.append(line)
    ports.sort(key=lambda p: (p not in ("clk", "rst"), False))
    head, row = [], "   "
    for k, port in enumerate(ports):
        word = f" {port}" + ("," if k + 1 < len(ports) else "")
        if len(row) + len(word) > _WIDTH:
            head.append(row)
            row = "   "
        row += word
    return [lines[0].split("(")[0].rstrip() + " (", *head, row, ");", *out]
