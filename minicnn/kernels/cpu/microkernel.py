"""The multiply-add at the bottom of everything: one small block of a matrix product, held in registers.

**What it computes.** With ROWS x (VECTORS * lanes) sums in registers, for k = 0 .. K-1:

    c[i, j] = sum over k of   a[rows[i] + cols[k]] * b[k, j]          i < ROWS, j < WIDTH = VECTORS * lanes

**What a register tile is.** A processor core multiplies and adds two vectors of `lanes` numbers several times per
nanosecond, but memory cannot feed it two new vectors each time. So keep a block of sums in registers. Each k loads
VECTORS vectors of b and ROWS single numbers of a, and uses every one of them several times: ROWS * VECTORS
multiply-adds for ROWS + VECTORS loads. The block must be large enough to hide the latency of a multiply-add and
small enough to fit the register file; a sum that spills to the stack costs more than it brings.

**Why two offset tables are im2col without the copy.** The left matrix is never stored. Its entry (i, k) lies at
a[rows[i] + cols[k]], and that is exactly how im2col indexes an image: row i is an output pixel and `rows[i]` the
place of its window's first number; column k is a tap (kh, kw, c) and `cols[k]` the way from there to the tap.
im2col would write this matrix out, each pixel KH*KW times over. Here it stays an index map ("implicit" im2col).
Swap the two tables and the matrix is transposed, which is the kernel gradient. Tables of plain row and
column offsets give the dense layer. One loop serves them all.

**Why b lies in a panel.** b[k] is as wide as the tile, and the next b[k] follows at once. Were b a plain matrix, its
rows would lie F numbers apart: for F = 512 they all fall on a sixteenth of the first-level cache, and the distance
takes one more register than there is. Copying a panel costs little beside the many tiles that read it.

**Edges.** Missing rows repeat the last one, missing columns are what fills up the panel; neither is stored. They live
in copies of the loop, so whole tiles pay nothing for them: one as large, one half as wide, for 10 columns out of 32,
and one half as high.

The code below is LLVM's vector language, emitted through Numba's `@intrinsic`: Numba compiles plain loops well, but
does not keep a two-dimensional block of vectors in registers on its own. `tile_by_loops` is the slow twin.
"""

from __future__ import annotations

from llvmlite import binding
from numba import config as numba_config
from numba import types
from numba.core import errors
from numba.extending import intrinsic

from .emitter import Emitter, array_data


def _block_shape() -> tuple[int, int, int]:
    """(vector bytes, ROWS, VECTORS) for this processor.

    AVX-512 has 32 registers of 64 bytes: 8 x 2 sums, 2 of b, and 8 numbers of a loaded ahead. AVX2 has 16 of 32 bytes:
    6 x 2 sums. Anything else computes in 16-byte vectors, which every processor has or LLVM takes apart. On two Zen 4
    cores 8 x 2 multiplies 128 x 784 by 784 x 512 in 502 us, where 7 x 2 takes 565, 4 x 4 514 and 8 x 3 556.
    """
    features = numba_config.CPU_FEATURES
    if features is None:
        features = binding.get_host_cpu_features().flatten()
    features = features.split(",")
    if "+avx512f" in features:
        return 64, 8, 2
    if "+avx2" in features and "+fma" in features:
        return 32, 6, 2
    return 16, 4, 2


VECTOR_BYTES, ROWS, VECTORS = _block_shape()


def make_tile(vector_bytes: int, ROWS: int, VECTORS: int):
    """The block product for one register shape, as a function that kernels can call:

    tile(a, a_start, rows, row_start, row_count, cols, col_start, K, b, b_start,
         c, c_start, c_stride, column_count, add)

    a, b, c are flat arrays of float32 or float64, rows and cols flat arrays of integers (intp). Row i < ROWS reads
    a[a_start + rows[row_start + i] + cols[col_start + k]] and b[b_start + k * WIDTH + j], and writes
    c[c_start + i * c_stride + j], or with `add` adds to it. Only row_count rows and column_count columns are written;
    K must be at least 1.
    """

    @intrinsic
    def tile(
        typing_context, a, a_start, rows, row_start, row_count, cols, col_start, K,
        b, b_start, c, c_start, c_stride, column_count, add,
    ):  # fmt: skip
        arrays = (a, b, c)
        if any(array.layout != "C" for array in (*arrays, rows, cols)) or len({array.dtype for array in arrays}) != 1:
            raise errors.TypingError(f"tile takes contiguous arrays of one float type; received {arrays}.")
        n = types.intp
        signature = types.void(a, n, rows, n, n, cols, n, n, b, n, c, n, n, n, n)
        bits = a.dtype.bitwidth
        lanes = vector_bytes * 8 // bits
        width = VECTORS * lanes

        def codegen(context, builder, signature, args):
            emit = Emitter(builder, bits, lanes)
            a, rows, cols, b, c = (
                array_data(context, builder, signature, args, position) for position in (0, 2, 5, 8, 10)
            )
            _, a_start, _, row_start, row_count, _, col_start, K, _, b_start, _, c_start, c_stride, columns, add = args
            row_count, columns, add = (emit.opaque(value) for value in (row_count, columns, add))
            a, b, c = emit.at(a, a_start), emit.at(b, b_start), emit.at(c, c_start)
            rows, cols = emit.at(rows, row_start), emit.at(cols, col_start)

            def product(whole, ROWS=ROWS, VECTORS=VECTORS):
                masks = [None if whole else emit.mask(columns, j * lanes) for j in range(VECTORS)]
                last = builder.sub(row_count, emit.index(1))
                row_starts = []
                for i in range(ROWS):
                    row = emit.index(i) if whole else emit.smaller(emit.index(i), last)
                    row_starts.append(emit.at(a, builder.load(emit.at(rows, row))))

                # for k in range(K): the loop that everything else is made for
                before = builder.block
                loop = builder.append_basic_block("multiply_add")
                builder.branch(loop)
                builder.position_at_end(loop)
                k = builder.phi(emit.integer)
                k.add_incoming(emit.index(0), before)
                sums = [[builder.phi(emit.vector) for _ in range(VECTORS)] for _ in range(ROWS)]
                offset = builder.load(emit.at(cols, k))
                b_row = emit.times(width, k)
                b_vectors = [
                    emit.load(emit.at(b, builder.add(b_row, emit.index(j * lanes))), None) for j in range(VECTORS)
                ]
                new_sums = []
                for i in range(ROWS):
                    a_number = emit.splat(builder.load(emit.at(row_starts[i], offset)))
                    new_sums.append([emit.fma(a_number, b_vectors[j], sums[i][j]) for j in range(VECTORS)])
                for old_row, new_row in zip(sums, new_sums, strict=True):
                    for old, new in zip(old_row, new_row, strict=True):
                        old.add_incoming(emit.zero, before)
                        old.add_incoming(new, loop)
                next_k = builder.add(k, emit.index(1))
                k.add_incoming(next_k, loop)
                done = builder.append_basic_block("done")
                builder.cbranch(builder.icmp_signed("<", next_k, K), loop, done)
                builder.position_at_end(done)

                def store(added):
                    for i in range(ROWS):
                        row = emit.times(i, c_stride)
                        stored = emit.true if whole else builder.icmp_signed("<", emit.index(i), row_count)
                        with builder.if_then(stored):
                            for j in range(VECTORS):
                                place, value = emit.at(c, builder.add(row, emit.index(j * lanes))), new_sums[i][j]
                                if added:
                                    value = builder.fadd(value, emit.load(place, masks[j]))
                                emit.store(value, place, masks[j])

                with builder.if_else(emit.is_set(add)) as (then, otherwise):
                    with then:
                        store(added=True)
                    with otherwise:
                        store(added=False)

            whole = builder.and_(
                builder.icmp_signed(">=", row_count, emit.index(ROWS)),
                builder.icmp_signed(">=", columns, emit.index(width)),
            )
            narrow = builder.icmp_signed("<=", columns, emit.index(VECTORS // 2 * lanes))
            low = builder.icmp_signed("<=", row_count, emit.index(ROWS // 2))
            emit.choose(
                (whole, lambda: product(whole=True)),
                (narrow, lambda: product(whole=False, VECTORS=VECTORS // 2)),
                (low, lambda: product(whole=False, ROWS=ROWS // 2)),
                (emit.true, lambda: product(whole=False)),
            )
            return context.get_dummy_value()

        return signature, codegen

    return tile


tile = make_tile(VECTOR_BYTES, ROWS, VECTORS)


def tile_by_loops(
    WIDTH, a, a_start, rows, row_start, row_count, cols, col_start, K,
    b, b_start, c, c_start, c_stride, column_count, add,
):  # fmt: skip
    """The same block of a product in plain loops: what `tile` must equal. Here to be read and tested, not called."""
    for i in range(row_count):
        for j in range(column_count):
            total = 0.0
            for k in range(K):
                left = a[a_start + rows[row_start + i] + cols[col_start + k]]
                total += left * b[b_start + k * WIDTH + j]
            place = c_start + i * c_stride + j
            c[place] = c[place] + total if add else total
