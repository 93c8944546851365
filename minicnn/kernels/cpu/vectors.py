"""Formulas as vector instructions: a `Vector` is a Python value whose operators emit LLVM's instructions.

A kernel's formula is written once, as plain Python: `x * sigmoid(x)`. Run on numbers it computes a number. Run on a
Vector it computes nothing yet: each `*`, `+` or `<` emits the instruction that does it for all lanes of a register.
So the Python code runs once, when the kernel is compiled, and leaves straight code with no call and no branch.

    Vector    float32 or float64 numbers     + - * / and -x, abs(x), comparisons; Python numbers become constants
    Mask      one bit for each lane          & |; `where(mask, a, b)` takes a where the bit is set, else b
    Bits      the bits of a Vector           + - & << >> as integers of the same width

A vector cannot take both ways of an `if`. So formulas say `where(x < 0, a, b)`, which computes a and b and chooses.
`type(x)(0.5)` makes a constant of x's type, for a Vector as for a NumPy number.
"""

from __future__ import annotations

from llvmlite import ir

# Numba lets LLVM reorder the operations of a kernel (`compile.FASTMATH`): it gives a flag to each instruction that has
# none. A formula's digits depend on the order. So its instructions have a flag already, which means nothing for them.
_AS_WRITTEN = {"fadd": ["arcp"], "fsub": ["arcp"], "fmul": ["arcp"], "fdiv": ["contract"]}


class Vector:
    """The numbers in the lanes of a register. `emit` belongs to the class, see `Emitter.numbers`."""

    emit = None

    def __init__(self, value):
        """value: a Vector, a Python number (the same in all lanes), or LLVM's value."""
        if isinstance(value, (int, float)):
            value = self.emit.constant(value)
        self.value = value.value if isinstance(value, Vector) else value

    @property
    def builder(self):
        return self.emit.builder

    def _of_both(self, instruction, left, right):
        kind = type(self)
        emitted = getattr(self.builder, instruction)(
            kind(left).value, kind(right).value, flags=_AS_WRITTEN[instruction]
        )
        return kind(emitted)

    def __add__(self, other):
        return self._of_both("fadd", self, other)

    def __radd__(self, other):
        return self._of_both("fadd", other, self)

    def __sub__(self, other):
        return self._of_both("fsub", self, other)

    def __rsub__(self, other):
        return self._of_both("fsub", other, self)

    def __mul__(self, other):
        return self._of_both("fmul", self, other)

    def __rmul__(self, other):
        return self._of_both("fmul", other, self)

    def __truediv__(self, other):
        return self._of_both("fdiv", self, other)

    def __rtruediv__(self, other):
        return self._of_both("fdiv", other, self)

    def __neg__(self):
        return type(self)(self.builder.fneg(self.value))

    def __abs__(self):
        return self.call("fabs")

    def _compared(self, sign, other):
        """Ordered: false where one of the two is NaN."""
        return Mask(self.emit, self.builder.fcmp_ordered(sign, self.value, type(self)(other).value))

    def __lt__(self, other):
        return self._compared("<", other)

    def __le__(self, other):
        return self._compared("<=", other)

    def __gt__(self, other):
        return self._compared(">", other)

    def __ge__(self, other):
        return self._compared(">=", other)

    def __eq__(self, other):
        return self._compared("==", other)

    __hash__ = None

    def call(self, name, *others):
        """LLVM's function `name` of this vector and others: "fabs", "sqrt", "fma", "copysign"."""
        values = [self.value, *(type(self)(other).value for other in others)]
        return type(self)(self.emit.call(f"llvm.{name}.{self.emit.suffix}", self.emit.vector, values))

    @property
    def bits(self):
        """The same bits as integers: sign, exponent, fraction (IEEE 754)."""
        kind = ir.VectorType(ir.IntType(self.emit.bits), self.emit.lanes)
        return Bits(self.emit, self.builder.bitcast(self.value, kind))


class Mask:
    def __init__(self, emit, value):
        self.emit, self.value = emit, value

    def __and__(self, other):
        return Mask(self.emit, self.emit.builder.and_(self.value, other.value))

    def __or__(self, other):
        return Mask(self.emit, self.emit.builder.or_(self.value, other.value))


class Bits:
    def __init__(self, emit, value):
        self.emit, self.value = emit, value

    def _with(self, instruction, other):
        if isinstance(other, int):
            other = Bits(self.emit, ir.Constant(self.value.type, [other] * self.emit.lanes))
        return Bits(self.emit, getattr(self.emit.builder, instruction)(self.value, other.value))

    def __add__(self, other):
        return self._with("add", other)

    def __sub__(self, other):
        return self._with("sub", other)

    def __and__(self, other):
        return self._with("and_", other)

    def __lshift__(self, count):
        return self._with("shl", count)

    def __rshift__(self, count):
        """The sign bit fills from the left."""
        return self._with("ashr", count)

    @property
    def number(self):
        """The Vector with these bits."""
        return self.emit.numbers(self.emit.builder.bitcast(self.value, self.emit.vector))


def where(condition, yes, no):
    """yes where the condition holds, else no. The result has the type of `yes`, which must not be a Python number."""
    kind = type(yes)
    return kind(yes.builder.select(condition.value, yes.value, kind(no).value))


def fma(x, y, z):
    """x * y + z, rounded once."""
    return x.call("fma", y, z)


def polynomial(x, coefficients):
    """c[0] x^(n-1) + ... + c[n-1], by Horner's rule: one fma for each coefficient but the first."""
    total = type(x)(coefficients[0])
    for coefficient in coefficients[1:]:
        total = fma(total, x, type(x)(coefficient))
    return total
