"""Loads and stores of four numbers together, or of one, at a plain offset into flat memory.

One 128-bit access moves four float32 with one instruction and one address. Numba's own `x[i]` cannot do this, and it
also handles negative indices. So these functions emit LLVM instead.
"""

from __future__ import annotations

from llvmlite import ir
from numba.cuda import cgutils, types
from numba.cuda.extending import intrinsic
from numba.cuda.typing import signature


def _pointer(context, builder, signature_, arguments):
    """The address of array[offset]."""
    array, offset = signature_.args[0], arguments[1]
    start = context.make_array(array)(context, builder, value=arguments[0]).data
    if offset.type.width < 64:
        offset = builder.sext(offset, ir.IntType(64))
    return builder.gep(start, [offset])


def _make_load(count):
    @intrinsic
    def load(typing_context, array, offset):
        number = array.dtype
        result = types.UniTuple(number, count) if count > 1 else number

        def codegen(context, builder, signature_, arguments):
            at = _pointer(context, builder, signature_, arguments)
            if count == 1:
                return builder.load(at)
            kind = context.get_data_type(number)
            vector = builder.load(
                builder.bitcast(at, ir.VectorType(kind, count).as_pointer()), align=count * context.get_abi_sizeof(kind)
            )
            lanes = [builder.extract_element(vector, ir.Constant(ir.IntType(32), i)) for i in range(count)]
            return cgutils.pack_array(builder, lanes)

        return signature(result, array, offset), codegen

    return load


def _make_store(count):
    @intrinsic
    def store(typing_context, array, offset, value):
        number = array.dtype

        def codegen(context, builder, signature_, arguments):
            at = _pointer(context, builder, signature_, arguments)
            kind = context.get_data_type(number)
            if count == 1:
                builder.store(arguments[2], at)
                return context.get_dummy_value()
            vector = ir.Constant(ir.VectorType(kind, count), ir.Undefined)
            for i in range(count):
                lane = builder.extract_value(arguments[2], i)
                vector = builder.insert_element(vector, lane, ir.Constant(ir.IntType(32), i))
            builder.store(
                vector, builder.bitcast(at, vector.type.as_pointer()), align=count * context.get_abi_sizeof(kind)
            )
            return context.get_dummy_value()

        values = types.UniTuple(number, count) if count > 1 else number
        return signature(types.void, array, offset, values), codegen

    return store


load1, load4 = _make_load(1), _make_load(4)
store1, store4 = _make_store(1), _make_store(4)
ALIGNMENT = 16
