"""LLVM's vector instructions, the handful that the microkernel and the Winograd transforms are written in."""

from __future__ import annotations

from llvmlite import ir
from numba.core import cgutils


def array_data(context, builder, signature, args, position):
    """The pointer to the first number of the array that is the argument at `position` of an intrinsic."""
    return context.make_array(signature.args[position])(context, builder, args[position]).data


class Emitter:
    """Emits vector instructions, `lanes` numbers of `bits` bits to a vector, at the place where `builder` stands."""

    def __init__(self, builder, bits, lanes):
        self.builder, self.lanes = builder, lanes
        self.integer = ir.IntType(64)
        self.scalar = ir.FloatType() if bits == 32 else ir.DoubleType()
        self.vector = ir.VectorType(self.scalar, lanes)
        self.mask_type = ir.VectorType(ir.IntType(1), lanes)
        self.zero = ir.Constant(self.vector, [0.0] * lanes)
        self.true = ir.Constant(ir.IntType(1), 1)
        self.alignment = bits // 8
        self.suffix = f"v{lanes}f{bits}"

    def index(self, value):
        return ir.Constant(self.integer, value)

    def at(self, pointer, offset):
        return self.builder.gep(pointer, [offset])

    def smaller(self, left, right):
        return self.builder.select(self.builder.icmp_signed("<", left, right), left, right)

    def splat(self, scalar):
        lane_zero = self.builder.insert_element(
            ir.Constant(self.vector, ir.Undefined), scalar, ir.Constant(ir.IntType(32), 0)
        )
        everywhere = ir.Constant(ir.VectorType(ir.IntType(32), self.lanes), [0] * self.lanes)
        return self.builder.shuffle_vector(lane_zero, ir.Constant(self.vector, ir.Undefined), everywhere)

    def mask(self, count, first):
        """One bit per lane: whether first + lane < count."""
        lane_type = ir.VectorType(self.integer, self.lanes)
        limit = self.builder.sub(count, self.index(first))
        one = self.builder.insert_element(ir.Constant(lane_type, ir.Undefined), limit, ir.Constant(ir.IntType(32), 0))
        everywhere = ir.Constant(ir.VectorType(ir.IntType(32), self.lanes), [0] * self.lanes)
        limits = self.builder.shuffle_vector(one, ir.Constant(lane_type, ir.Undefined), everywhere)
        return self.builder.icmp_signed("<", ir.Constant(lane_type, list(range(self.lanes))), limits)

    def call(self, name, result, arguments):
        kind = ir.FunctionType(result, [argument.type for argument in arguments])
        return self.builder.call(cgutils.get_or_insert_function(self.builder.module, kind, name), arguments)

    def fma(self, x, y, z):
        return self.call(f"llvm.fma.{self.suffix}", self.vector, [x, y, z])

    def load(self, pointer, mask):
        pointer = self.builder.bitcast(pointer, self.vector.as_pointer())
        if mask is None:
            return self.builder.load(pointer, align=self.alignment)
        alignment = ir.Constant(ir.IntType(32), self.alignment)
        return self.call(f"llvm.masked.load.{self.suffix}.p0", self.vector, [pointer, alignment, mask, self.zero])

    def store(self, value, pointer, mask):
        pointer = self.builder.bitcast(pointer, self.vector.as_pointer())
        if mask is None:
            self.builder.store(value, pointer, align=self.alignment)
        else:
            alignment = ir.Constant(ir.IntType(32), self.alignment)
            self.call(f"llvm.masked.store.{self.suffix}.p0", ir.VoidType(), [value, pointer, alignment, mask])

    def has(self, flags, flag):
        """Whether `flag` is set in `flags`."""
        return self.builder.icmp_signed("!=", self.builder.and_(flags, self.index(flag)), self.index(0))

    def add_if(self, condition, value, pointer, mask):
        """value + the vector at pointer where the condition holds, else value."""
        before = self.builder.block
        with self.builder.if_then(condition):
            total = self.builder.fadd(value, self.load(pointer, mask))
            inside = self.builder.block
        merged = self.builder.phi(self.vector)
        merged.add_incoming(value, before)
        merged.add_incoming(total, inside)
        return merged

    def relu_if(self, condition, value):
        """max(value, 0) where the condition holds. "Ordered less than" is false for NaN, so NaN stays NaN."""
        negative = self.builder.fcmp_ordered("<", value, self.zero)
        return self.builder.select(condition, self.builder.select(negative, self.zero, value), value)

    def sum_of_multiples(self, factors, vectors):
        """The sum of factor * vector, in order, with an instruction for each factor that is not zero."""
        total = None
        for factor, vector in zip(factors, vectors, strict=True):
            if factor == 0:
                continue
            if total is None and factor != -1:
                total = vector if factor == 1 else self.builder.fmul(vector, self.constant(factor))
            elif total is None:
                total = self.builder.fsub(self.zero, vector)
            elif factor in (1, -1):
                total = self.builder.fadd(total, vector) if factor == 1 else self.builder.fsub(total, vector)
            else:
                total = self.fma(vector, self.constant(factor), total)
        return self.zero if total is None else total

    def constant(self, number):
        return ir.Constant(self.vector, [float(number)] * self.lanes)
