"""The innermost loop of every matrix product: multiply-adds into one small block of sums, held in registers.

**What it computes.** With ROWS x (VECTORS * lanes) sums in registers, for k = 0 .. K-1:

    c[i, j] = sum over k of   a[rows[i] + cols[k]] * b[k, j]          i < ROWS, j < WIDTH = VECTORS * lanes

**What a register tile is.** A processor core multiplies and adds two vectors of `lanes` numbers several times per
nanosecond, but memory cannot feed it two new vectors each time. So the tile, a block of sums, stays in registers. Each
k loads VECTORS vectors of b and ROWS single numbers of a, and uses each of them several times: ROWS * VECTORS
multiply-adds for ROWS + VECTORS loads. The block must be large enough to hide the latency of a multiply-add and
small enough to fit the register file; a sum that spills to the stack costs more than it saves.

**Why two offset tables are im2col without the copy.** The left matrix is never stored. Its entry (i, k) is read from
a[rows[i] + cols[k]], and this is exactly how im2col indexes an image. Row i is an output pixel, and `rows[i]` is the
place of its window's first number. Column k is a tap (kh, kw, c), and `cols[k]` is the distance from there to the tap.
im2col would write this matrix out, with each pixel KH*KW times. Here it stays an index map ("implicit" im2col).
If the two tables are swapped, the matrix is transposed, which gives the kernel gradient. Tables of plain row and
column offsets give the dense layer. One loop computes them all.

**Why b is in a panel.** In a panel, b[k] is as wide as the tile and b[k + 1] follows it directly. The rows of a plain
matrix would be F numbers apart. For F = 512 they all fall on a sixteenth of the first-level cache, and the distance
needs one register more than there is. Copying a panel costs little, because many tiles read it.

**Edges.** Missing rows repeat the last one, and missing columns read what fills the panel; neither is stored. Copies of
the loop handle the tiles at the edges, so whole tiles pay nothing for them. One copy has the full size, one half the
width (for 10 columns out of 32, say) and one half the height. Their sums go to the stack first, and a small loop writes
the part that is inside, unless it is exactly the left half. A caller that writes to its own buffer rounds its rows up
to whole vectors. Then fewer tiles are at an edge.

The code below emits LLVM's vector instructions through Numba's `@intrinsic`. Numba compiles plain loops well, but does
not keep a two-dimensional block of vectors in registers by itself. `tile_by_loops` computes the same in plain loops.
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
    6 x 2 sums. Other processors compute in 16-byte vectors; where these do not exist, LLVM splits them. On two Zen 4
    cores 8 x 2 multiplies 128 x 784 by 784 x 512 in 502 us; 7 x 2 takes 565 us, 4 x 4 514 us and 8 x 3 556 us.
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


def tile_by_loops(
    WIDTH, a, a_start, rows, row_start, row_count, cols, col_start, K,
    b, b_start, c, c_start, c_stride, column_count, add,
):  # fmt: skip
    """The block of a product that `tile` computes, in plain loops. For reading and tests only."""
    for i in range(row_count):
        for j in range(column_count):
            total = 0.0
            for k in range(K):
                left = a[a_start + rows[row_start + i] + cols[col_start + k]]
                total += left * b[b_start + k * WIDTH + j]
            place = c_start + i * c_stride + j
            c[place] = c[place] + total if add else total


def make_tile(vector_bytes: int, ROWS: int, VECTORS: int):
    """Make the function that computes what `tile_by_loops` does with the sums in registers, for one register shape:

    tile(a, a_start, rows, row_start, row_count, cols, col_start, K, b, b_start,
         c, c_start, c_stride, column_count, add)

    a, b, c are flat arrays of float32 or float64; rows and cols are flat arrays of integers (intp). Row i < ROWS reads
    a[a_start + rows[row_start + i] + cols[col_start + k]] and b[b_start + k * WIDTH + j]. It writes
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

            edges = emit.array(ROWS * width)  # the sums of a tile at an edge; the part inside c is copied from here

            def product(whole, ROWS=ROWS, VECTORS=VECTORS, is_half_as_wide=False):
                last = builder.sub(row_count, emit.index(1))
                starts = []  # of the rows of a
                for i in range(ROWS):
                    row = emit.index(i) if whole else emit.smaller(emit.index(i), last)
                    starts.append(emit.at(a, builder.load(emit.at(rows, row))))

                # for k in range(K): the innermost loop
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
                    a_number = emit.splat(builder.load(emit.at(starts[i], offset)))
                    # the multiply-add: sum + a * b, for a vector of columns
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
                        for j in range(VECTORS):
                            place, value = emit.at(c, builder.add(row, emit.index(j * lanes))), new_sums[i][j]
                            if added:
                                value = builder.fadd(value, emit.load(place, None))
                            emit.store(value, place, None)

                def store_a_part():
                    for i in range(ROWS):
                        for j in range(VECTORS):
                            emit.store(new_sums[i][j], emit.at(edges, emit.index((i * VECTORS + j) * lanes)), None)
                    with emit.repeat(emit.smaller(row_count, emit.index(ROWS))) as row:
                        there = emit.at(c, builder.mul(row.index, c_stride))
                        here = emit.at(edges, emit.times(VECTORS * lanes, row.index))

                        def part_of_row(lane, mask):
                            place = emit.at(there, lane)
                            before = builder.select(emit.splat(emit.is_set(add)), emit.load(place, mask), emit.zero)
                            emit.store(builder.fadd(emit.load(emit.at(here, lane), None), before), place, mask)

                        emit.over_lanes(emit.smaller(columns, emit.index(VECTORS * lanes)), part_of_row)

                def store_all():
                    with builder.if_else(emit.is_set(add)) as (then, otherwise):
                        with then:
                            store(added=True)
                        with otherwise:
                            store(added=False)

                if whole:
                    store_all()
                elif is_half_as_wide:
                    exact = builder.icmp_signed("==", columns, emit.index(VECTORS * lanes))
                    emit.choose((builder.and_(no_row_missing, exact), store_all), (emit.true, store_a_part))
                else:
                    store_a_part()

            no_row_missing = builder.icmp_signed(">=", row_count, emit.index(ROWS))
            whole = builder.and_(no_row_missing, builder.icmp_signed(">=", columns, emit.index(width)))
            narrow = builder.icmp_signed("<=", columns, emit.index(VECTORS // 2 * lanes))
            low = builder.icmp_signed("<=", row_count, emit.index(ROWS // 2))
            emit.choose(
                (whole, lambda: product(whole=True)),
                (narrow, lambda: product(whole=False, VECTORS=VECTORS // 2, is_half_as_wide=True)),
                (low, lambda: product(whole=False, ROWS=ROWS // 2)),
                (emit.true, lambda: product(whole=False)),
            )
            return context.get_dummy_value()

        return signature, codegen

    return tile


tile = make_tile(VECTOR_BYTES, ROWS, VECTORS)
