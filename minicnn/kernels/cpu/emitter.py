"""The few vector instructions of LLVM that the microkernel and the vector loops are made of."""

from __future__ import annotations

from typing import NamedTuple

from llvmlite import ir
from numba.core import cgutils

from .vectors import Vector


def array_data(context, builder, signature, args, position):
    """The pointer to the first number of an array: the argument at `position` of an intrinsic."""
    return context.make_array(signature.args[position])(context, builder, args[position]).data


class Mask(NamedTuple):
    """The first `count` lanes of a vector. No lane if it is negative, all lanes if it is larger than the vector."""

    count: ir.Value
    bits: ir.Value  # one for each lane


class Emitter:
    """Emits vector instructions at the builder's current place. A vector has `lanes` numbers of `bits` bits."""

    def __init__(self, builder, bits, lanes):
        self.builder, self.bits, self.lanes = builder, bits, lanes
        self.integer, self.byte = ir.IntType(64), ir.IntType(8)
        self.scalar = ir.FloatType() if bits == 32 else ir.DoubleType()
        self.vector = ir.VectorType(self.scalar, lanes)
        self.zero = ir.Constant(self.vector, [0.0] * lanes)
        self.true = ir.Constant(ir.IntType(1), 1)
        self.suffix = f"v{lanes}f{bits}"
        self.numbers = type("Vector", (Vector,), {"emit": self})

    def index(self, value):
        return ir.Constant(self.integer, value)

    def at(self, pointer, offset):
        return self.builder.gep(pointer, [offset])

    def times(self, number, value):
        """number * value. The Python int `number` is known now, `value` only when the kernel runs."""
        return self.builder.mul(self.index(number), value)

    def smaller(self, left, right):
        return self.builder.select(self.builder.icmp_signed("<", left, right), left, right)

    def splat(self, scalar):
        """A vector with the same number or byte in all lanes."""
        undefined = ir.Constant(ir.VectorType(scalar.type, self.lanes), ir.Undefined)
        lane_zero = self.builder.insert_element(undefined, scalar, ir.Constant(ir.IntType(32), 0))
        everywhere = ir.Constant(ir.VectorType(ir.IntType(32), self.lanes), [0] * self.lanes)
        return self.builder.shuffle_vector(lane_zero, undefined, everywhere)

    def mask(self, count, first):
        """The lanes with first + lane < count."""
        count = self.builder.sub(count, self.index(first))
        limits = self.splat(count)
        return Mask(count, self.builder.icmp_signed("<", ir.Constant(limits.type, list(range(self.lanes))), limits))

    def call(self, name, result, arguments):
        kind = ir.FunctionType(result, [argument.type for argument in arguments])
        return self.builder.call(cgutils.get_or_insert_function(self.builder.module, kind, name), arguments)

    def fma(self, x, y, z):
        return self.call(f"llvm.fma.{self._suffix(x.type)}", x.type, [x, y, z])

    def wide(self, vector):
        """The same numbers in float64."""
        return vector if self.bits == 64 else self.builder.fpext(vector, ir.VectorType(ir.DoubleType(), self.lanes))

    def load(self, pointer, mask):
        """The vector at a pointer to numbers or bytes; with a mask, zero where the mask is not set."""
        kind = ir.VectorType(pointer.type.pointee, self.lanes)
        pointer = self.builder.bitcast(pointer, kind.as_pointer())
        if mask is None:
            return self.builder.load(pointer, align=self._alignment(kind))
        alignment = ir.Constant(ir.IntType(32), self._alignment(kind))
        zero = ir.Constant(kind, [0] * self.lanes)
        return self.call(f"llvm.masked.load.{self._suffix(kind)}.p0", kind, [pointer, alignment, mask.bits, zero])

    def store(self, value, pointer, mask):
        """Write a vector of numbers or bytes to a pointer; with a mask, only where the mask is set."""
        as_vector = self.builder.bitcast(pointer, value.type.as_pointer())
        if mask is None:
            self.builder.store(value, as_vector, align=self._alignment(value.type))
        elif self.lanes * self.bits == 512:
            alignment = ir.Constant(ir.IntType(32), self._alignment(value.type))
            name = f"llvm.masked.store.{self._suffix(value.type)}.p0"
            self.call(name, ir.VoidType(), [value, as_vector, alignment, mask.bits])
        else:
            self._store_first(value, pointer, mask.count)

    def _store_first(self, value, pointer, count):
        """Write the first `count` lanes. A whole vector is one store. A part of 8 lanes is written in pieces of 4, 2
        and 1 lanes, as the bits of `count` say.

        Without AVX-512 this is quicker than a masked store, which takes a Zen 3 core about 40 cycles.
        """
        builder, lanes = self.builder, value.type.count
        is_whole = builder.icmp_signed(">=", count, self.index(lanes))
        with builder.if_else(is_whole) as (then, otherwise):
            with then:
                self.store(value, pointer, None)
            with otherwise:
                place = builder.select(builder.icmp_signed(">", count, self.index(0)), count, self.index(0))
                while lanes > 1:
                    lanes //= 2
                    low, high = (
                        builder.shuffle_vector(value, value, ir.Constant(ir.VectorType(ir.IntType(32), lanes), numbers))
                        for numbers in (list(range(lanes)), list(range(lanes, 2 * lanes)))
                    )
                    bit = builder.and_(place, self.index(lanes))
                    is_set = self.is_set(bit)
                    with builder.if_then(is_set):
                        self.store(low, pointer, None)
                    value = builder.select(is_set, high, low)
                    pointer = self.at(pointer, bit)

    @staticmethod
    def _alignment(kind):
        return {"float": 4, "double": 8}.get(str(kind.element), 1)

    @staticmethod
    def _suffix(kind):
        return f"v{kind.count}" + {"float": "f32", "double": "f64"}.get(str(kind.element), str(kind.element))

    def over_lanes(self, count, one_vector):
        """Emit one_vector(lane, mask) for lane = 0, lanes, 2 * lanes, ... < count: whole vectors, then a masked one."""
        builder = self.builder
        before = builder.block
        check, whole, rest, done = (
            builder.append_basic_block(name) for name in ("lanes_left", "whole_vector", "rest", "all_lanes_done")
        )
        builder.branch(check)
        builder.position_at_end(check)
        lane = builder.phi(self.integer)
        lane.add_incoming(self.index(0), before)
        following = builder.add(lane, self.index(self.lanes))
        builder.cbranch(builder.icmp_signed("<=", following, count), whole, rest)
        builder.position_at_end(whole)
        one_vector(lane, None)
        lane.add_incoming(following, builder.block)
        builder.branch(check)
        builder.position_at_end(rest)
        with builder.if_then(builder.icmp_signed("<", lane, count)):
            one_vector(lane, self.mask(builder.sub(count, lane), 0))
        builder.branch(done)
        builder.position_at_end(done)

    def over_pixels(self, count, size, mask, pixels, at_once=1):
        """Emit pixels(i, how_many, mask), the work on pixel i and its next ones, for `count` pixels of `size` numbers
        that lie side by side: `at_once` pixels, as long as there are so many, then one after another.

        If a pixel is smaller than a vector, the mask is left out as long as a whole vector ends within the last pixel.
        What is stored beyond a pixel is overwritten by those that follow.
        """
        builder = self.builder
        if mask is None:
            self._in_groups(count, pixels, at_once)
            return
        beyond = builder.sub(self.index(self.lanes), size)
        within = builder.sdiv(builder.sub(builder.mul(count, size), beyond), size)
        some = builder.and_(*(builder.icmp_signed(">", number, self.index(0)) for number in (beyond, within)))
        whole = builder.select(some, within, self.index(0))
        self._in_groups(whole, pixels, at_once)
        with self.repeat(builder.sub(count, whole)) as rest:
            pixels(builder.add(whole, rest.index), 1, mask)

    def _in_groups(self, count, pixels, at_once):
        builder, done = self.builder, self.index(0)
        if at_once > 1:
            groups = builder.sdiv(count, self.index(at_once))
            done = self.times(at_once, groups)
            with self.repeat(groups) as loop:
                pixels(self.times(at_once, loop.index), at_once, None)
        with self.repeat(builder.sub(count, done)) as rest:
            pixels(builder.add(done, rest.index), 1, None)

    def is_set(self, flag):
        """Whether an integer is not zero."""
        return self.builder.icmp_signed("!=", flag, self.index(0))

    def at_least(self, lowest, value):
        """max(value, lowest). "Ordered less than" is false for NaN, so NaN stays NaN."""
        return self.builder.select(self.builder.fcmp_ordered("<", value, lowest), lowest, value)

    def beats(self, value, so_far):
        """Where `value` is the new maximum. NaN beats every number, and nothing beats NaN: "unordered or greater" is
        true where either is NaN, "ord" false where so_far is."""
        builder = self.builder
        return builder.and_(builder.fcmp_unordered(">", value, so_far), builder.fcmp_ordered("ord", so_far, so_far))

    def sum_of_multiples(self, factors, vectors):
        """The sum of factor * vector, in order, with at most one instruction for each factor that is not zero."""
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

    def number(self, value):
        return ir.Constant(self.scalar, float(value))

    def constant(self, number):
        return ir.Constant(self.vector, [float(number)] * self.lanes)

    def choose(self, *cases):
        """Emit a chain of if and else from pairs (condition, block): the first block whose condition holds will run.

        The last block is the else; its condition is not tested.
        """
        (condition, block), *others = cases
        if not others:
            block()
            return
        with self.builder.if_else(condition) as (then, otherwise):
            with then:
                block()
            with otherwise:
                self.choose(*others)

    def opaque(self, value):
        """The same integer, hidden from LLVM, which would otherwise copy and unroll loops for its possible values."""
        return self.builder.asm(ir.FunctionType(self.integer, [self.integer]), "", "=r,0", [value], True)

    def array(self, count):
        """A pointer to room for `count` numbers, on the stack."""
        with self.builder.goto_entry_block():
            return self.builder.gep(self.builder.alloca(ir.ArrayType(self.scalar, count)), [self.index(0)] * 2)

    def variable(self, value):
        """A place that holds `value` until another value is stored in it: for values that a loop changes."""
        return cgutils.alloca_once_value(self.builder, value)

    def repeat(self, count):
        """`with emit.repeat(count) as loop:` emits the block below it as a loop; loop.index counts from 0."""
        return cgutils.for_range(self.builder, count)
