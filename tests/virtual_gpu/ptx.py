"""Translate PTX, the language of NVIDIA's compilers before machine code, into NumPy.

Each register of a kernel becomes an array with a number for each thread, each instruction a Python statement on these
arrays, and each basic block a function. The meaning of the instructions: NVIDIA, "PTX ISA", chapter "Instruction Set".
Only the instructions that minicnn's kernels use are known. Any other instruction is an error.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np

TYPES = {
    "pred": np.dtype(np.bool_),
    **{f"{letter}{bits}": np.dtype(f"{kind}{bits // 8}")
       for bits in (8, 16, 32, 64) for letter, kind in (("u", "u"), ("s", "i"), ("b", "u"))},
    "f32": np.dtype(np.float32), "f64": np.dtype(np.float64),
}  # fmt: skip


BARRIER = "barrier"


class Jump(NamedTuple):
    """The end of a basic block: all threads go on at basic block `to`, or only some if there is a `predicate`.

    Then the threads whose register `predicate` is true (or false, if `negated`) go on at `to`. The other threads go on
    at the next basic block.
    """

    to: int
    predicate: int | None
    negated: bool


class Code:
    """A kernel: its `parameters` and `registers` (dtypes), its `shared` arrays {name: (place, bytes)}, in `shared_size`
    bytes, and its basic `blocks`: (function(registers, who, launch), a Jump, BARRIER or None)."""

    def __init__(self, ptx: str):
        self.name, parameters, body = re.search(r"\.entry\s+(\w+)\((.*?)\)[^{]*\{(.*)\n\}", ptx, re.DOTALL).groups()
        self.parameters = [TYPES[kind] for kind in re.findall(r"\.param \.(\w+)", parameters)]
        self.shared, self.shared_size = {}, _GAP
        for name, size in re.findall(r"\.shared \.align \d+ \.b8 (\w+)\[(\d+)\];", ptx):
            self.shared[name] = (self.shared_size, int(size))
            self.shared_size += -(-int(size) // _GAP) * _GAP + _GAP
        self._numbers, self.registers = {}, []  # {name: index of the register}, and the registers' types
        self._labels, parts = {}, [[]]
        for line in body.splitlines():
            self._take(re.sub(r"//.*", "", line).strip(), parts)
        self.blocks = [self._block(part, len(parts)) for part in parts]

    def _take(self, line, parts):
        """Read a line: a declaration, a label, or an instruction, which is added to the last basic block."""
        if not line or line in "{}" or line.startswith(".pragma"):
            return
        if declared := re.fullmatch(r"\.reg \.(\w+)\s+(%\w+)(?:<(\d+)>)?;", line):
            kind, name, count = declared.groups()
            for register in [name] if count is None else [f"{name}{i}" for i in range(int(count))]:
                self._numbers[register] = len(self.registers)
                self.registers.append(TYPES[kind])
        elif label := re.fullmatch(r"(\$\w+):", line):
            if parts[-1]:
                parts.append([])
            self._labels[label[1]] = len(parts) - 1
        else:
            parts[-1].append(line.rstrip(";"))
            if re.match(r"(@\S+\s+)?(bra|ret|bar)\b", line):
                parts.append([])

    def _block(self, lines, end_of_code):
        """(a function of the block's instructions, how it ends)."""
        source, jump = ["def block(R, who, launch):", " launch.enter(who)"], None
        for line in lines:
            guard, name, operands = re.fullmatch(r"(?:@(!?%p\d+)\s+)?([\w.]+)\s*(.*)", line).groups()
            operation, *modifiers = name.split(".")
            if operation in ("bra", "ret"):
                predicate = self._numbers[guard.lstrip("!")] if guard else None
                to = self._labels[operands] if operation == "bra" else end_of_code
                jump = Jump(to, predicate, bool(guard) and guard[0] == "!")
            elif guard:
                raise NotImplementedError(f"a predicate before {operation}: {line}")
            elif name == "bar.sync":
                jump = BARRIER
            else:
                source.append(" " + self._statement(operation, modifiers, _parted(operands)))
        scope = {"np": np, "op": OPERATIONS, "T": TYPES}
        exec("\n".join(source), scope)
        return scope["block"], jump

    def _statement(self, operation, modifiers, operands):
        """An instruction in Python: `add.s32 %r3, %r1, 4` becomes about `R[3][who] = op['add'](R[1][who], 4)`.

        R holds the registers, `who` says which threads execute the instruction.
        """
        kinds = [modifier for modifier in modifiers if modifier in TYPES]
        kind = kinds[-1] if kinds else None
        if operation in ("ld", "st"):
            return self._access(operation, modifiers[0], operands, kind)
        into, *rest = operands
        if operation == "mov" and into[0] == "{":
            low, high = _parted(into.strip("{}"))
            whole = self._value(rest[0], "b64")
            return (
                f"whole = {whole}; {self._put(low, 'b64', 'whole')}; {self._put(high, 'b64', 'whole >> np.uint64(32)')}"
            )
        if operation == "mov" and rest[0][0] == "{":
            low, high = (f"{self._value(part, 'b32')}.astype('u8')" for part in _parted(rest[0].strip("{}")))
            return self._put(into, "b64", f"{low} | {high} << np.uint64(32)")
        if operation in ("mov", "cvta"):
            return self._put(into, kind, self._value(rest[0], kind))
        if operation == "cvt":
            to, source = kinds
            rounding = "".join(modifier for modifier in modifiers if modifier not in TYPES)
            return self._put(into, to, f"{_operation('cvt', rounding)}({self._value(rest[0], source)}, T['{to}'])")
        takes, gives = [kind] * len(rest), kind
        if operation == "setp":
            gives = "pred"
        elif operation == "selp":
            takes[2] = "pred"
        elif operation in ("shl", "shr"):
            takes[1] = "u32"
        elif "wide" in modifiers:
            gives = f"{kind[0]}64"
        values = ", ".join(self._value(*taken) for taken in zip(rest, takes, strict=True))
        changing = (modifier for modifier in modifiers if modifier not in {*TYPES, *_WITHOUT_EFFECT})
        return self._put(into, gives, f"{_operation(operation, *changing)}({values})")

    def _access(self, operation, space, operands, kind):
        values, address = operands if operation == "ld" else operands[::-1]
        base, offset = re.fullmatch(r"\[([%\w]+)(?:\+?(-?\d+))?\]", address).groups()
        if space == "param":
            return self._put(values, kind, f"launch.parameters[{int(base.rpartition('_')[2])}]")
        values = _parted(values.strip("{}"))
        place = f"{self._value(base, 's64')} + {offset or 0}"
        if operation == "st":
            stored = ", ".join(self._value(value, kind) for value in values)
            return f"launch.spaces['{space}'].store({place}, T['{kind}'], {stored})"
        loaded = f"loaded = launch.spaces['{space}'].load({place}, T['{kind}'], {len(values)})"
        return "; ".join([loaded, *(self._put(value, kind, f"loaded[{i}]") for i, value in enumerate(values))])

    def _put(self, register, kind, value):
        """A statement that writes a value of type `kind` to a register. An integer may be wider or narrower than it."""
        number = self._numbers[register]
        kept, kind = self.registers[number], TYPES[kind]
        if (kept.kind == "f") != (kind.kind == "f"):
            value = f"({value}).view('{kept.str}')"
        return f"R[{number}][who] = {value}"

    def _value(self, operand, kind):
        """An expression for an operand, as the type that the instruction reads."""
        kind = TYPES[kind]
        if operand in self._numbers:
            number = self._numbers[operand]
            kept = self.registers[number]
            if kept.itemsize != kind.itemsize:  # the register's low bits
                return f"R[{number}][who].astype('u{kind.itemsize}').view('{kind.str}')"
            return f"R[{number}][who]" + (f".view('{kind.str}')" if kept != kind else "")
        if operand.startswith("%"):
            name, axis = operand[1:].split(".")
            return f"launch.{name}['{axis}'][who]"
        if operand in self.shared:
            return f"np.{kind.name}({self.shared[operand][0]})"
        if operand[:2] in ("0f", "0d"):
            return f"np.uint{8 * kind.itemsize}(0x{operand[2:]}).view('{kind.str}')"
        if kind.kind == "b":
            return f"np.bool_({operand})"
        return f"np.uint{8 * kind.itemsize}({int(operand, 0) % (1 << 8 * kind.itemsize)}).view('{kind.str}')"


_GAP = 256  # bytes between shared arrays that belong to none of them
_WITHOUT_EFFECT = ("rn", "lo", "approx", "ftz")  # the operations below do this anyway, or are more exact


def _operation(*name):
    """The code in a block's text that looks up an operation. NotImplementedError if the operation is not known."""
    name = ".".join(part for part in name if part)
    if name not in OPERATIONS:
        raise NotImplementedError(f"{name} is not among the known instructions of PTX.")
    return f"op['{name}']"


def _parted(operands):
    """A list of operands: the text is split at commas, but not within braces."""
    return [part.strip() for part in re.split(r",(?![^{]*\})", operands)]


def _fma(a, b, c):
    """a * b + c, rounded almost only once: float64 holds a product of float32, long double almost one of float64."""
    wide = np.float64 if a.dtype == np.float32 else np.longdouble
    return (a.astype(wide) * b + c).astype(a.dtype)


def _downwards(exact):
    """float64 rounded to float32 towards minus infinity."""
    near = exact.astype(np.float32)
    return np.where(near > exact, np.nextafter(near, np.float32(-np.inf)), near)


def _towards_zero(exact):
    near = exact.astype(np.float32)
    return np.where(np.abs(near) > np.abs(exact), np.nextafter(near, np.float32(0)), near)


def _divided(a, b):
    if a.dtype.kind == "f":
        return a / b
    b = np.where(b == 0, np.ones((), b.dtype), b)  # a GPU's result of a division by 0 is not defined
    towards_minus_infinity = a // b
    return towards_minus_infinity + ((a % b != 0) & ((a < 0) != (b < 0))).astype(a.dtype)


def _to_whole(rounded):
    """A conversion that rounds to whole numbers. A number outside an integer type's range becomes its nearest limit."""

    def converted(value, to):
        value = rounded(value)
        if to.kind == "f":
            return value.astype(to)
        limits = np.iinfo(to)
        inside = (value >= limits.min) & (value < -float(limits.min))
        nearest = np.where(value < 0, limits.min, limits.max)
        return np.where(inside, np.where(inside, value, 0).astype(to), nearest)

    return converted


def _shifted(shift):
    def shifted(a, count):
        bits = 8 * a.dtype.itemsize
        moved = shift(a, np.minimum(count, bits - 1).astype(a.dtype))
        return np.where(count < bits, moved, np.zeros((), a.dtype) if a.dtype.kind == "u" else moved)

    return shifted


def _wide(a):
    return a.astype(f"{a.dtype.kind}{2 * a.dtype.itemsize}")


def _flushed(a):
    """Numbers too small for a full mantissa become zero."""
    return np.where(np.abs(a) < np.finfo(a.dtype).tiny, np.zeros((), a.dtype), a)


OPERATIONS = {
    "add": lambda a, b: a + b, "sub": lambda a, b: a - b, "mul": lambda a, b: a * b, "div": _divided,
    "rem": lambda a, b: a - _divided(a, b) * b, "mul.wide": lambda a, b: _wide(a) * _wide(b),
    "fma": _fma,
    "fma.rm": lambda a, b, c: _downwards(a.astype(np.float64) * b + c),
    "add.rz": lambda a, b: _towards_zero(a.astype(np.float64) + b),
    "neg": np.negative, "abs": np.abs, "min": np.fmin, "max": np.fmax, "sqrt": np.sqrt, "rcp": lambda a: 1 / a,
    "ex2": lambda a: _flushed(np.exp2(_flushed(a))), "copysign": lambda sign, a: np.copysign(a, sign),
    "and": lambda a, b: a & b, "or": lambda a, b: a | b, "xor": lambda a, b: a ^ b, "not": lambda a: ~a,
    "shl": _shifted(np.left_shift), "shr": _shifted(np.right_shift), "selp": lambda a, b, p: np.where(p, a, b),
    "cvt": lambda a, to: a.astype(to), "cvt.rn": lambda a, to: a.astype(to), "cvt.rni": _to_whole(np.rint),
    "cvt.rzi": _to_whole(np.trunc), "cvt.rmi": _to_whole(np.floor), "cvt.rpi": _to_whole(np.ceil),
     "cvt.sat": lambda a, to: np.clip(np.nan_to_num(a), 0, 1),
    "setp.eq": lambda a, b: a == b, "setp.ne": lambda a, b: (a < b) | (a > b),
    "setp.lt": lambda a, b: a < b, "setp.le": lambda a, b: a <= b,
    "setp.gt": lambda a, b: a > b, "setp.ge": lambda a, b: a >= b,
    # the next five are also true if an operand is NaN
    "setp.neu": lambda a, b: a != b,
    "setp.ltu": lambda a, b: ~(a >= b), "setp.leu": lambda a, b: ~(a > b),
    "setp.gtu": lambda a, b: ~(a <= b), "setp.geu": lambda a, b: ~(a < b),
    "setp.num": lambda a, b: (a == a) & (b == b), "setp.nan": lambda a, b: (a != a) | (b != b),
}  # fmt: skip
"""What instructions compute, by name. Integer arithmetic wraps around, as in NumPy."""
