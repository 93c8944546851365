"""The cases of ops/conv2d: convolutions of every shape, alone and fused with ReLU and a pool."""

from __future__ import annotations

import numpy as np
import pytest
from cases import both_tests, case, copied, distance, module
from helpers import VIRTUAL, assert_close, normal

from minicnn.kernels.cpu import workspace
from minicnn.kernels.cpu.compile import THREADS
from minicnn.kernels.cpu.packing import tile_width
from minicnn.kernels.cpu.split import split_filters
from minicnn.ops.conv2d import cpu, pooled, winograd

# x (N, H, W, C), w (KH, KW, C/G, F), strides, padding, dilation, groups
CONVOLUTIONS = {
    "ordinary": ((2, 5, 6, 3), (3, 3, 3, 4), (1, 1), "same", (1, 1), 1),
    "all sizes one": ((1, 1, 1, 1), (1, 1, 1, 1), (1, 1), "valid", (1, 1), 1),
    "even kernel, stride down": ((1, 7, 5, 2), (2, 3, 2, 1), (2, 1), "same", (1, 1), 1),
    "uneven padding": ((3, 6, 7, 1), (4, 2, 1, 5), (3, 2), "same", (1, 1), 1),
    "dilation": ((2, 9, 8, 2), (3, 2, 2, 3), (1, 1), "valid", (2, 3), 1),
    "dilation, same": ((1, 6, 5, 2), (3, 3, 2, 3), (1, 1), "same", (2, 2), 1),
    "groups": ((2, 5, 7, 4), (3, 3, 2, 6), (1, 1), "same", (1, 1), 2),
    **{  # as many filters as a tile is wide, in each type and on each processor
        f"depthwise {C}": ((2, 5, 4, C), (3, 3, 1, C), (1, 1), "same", (1, 1), C) for C in (8, 16, 32)
    },
    **{f"{F} filters": ((2, 5, 4, 3), (3, 3, 3, F), (1, 1), "same", (1, 1), 1) for F in (8, 16, 32)},
    "depthwise, strides": ((2, 9, 12, 5), (3, 5, 1, 5), (2, 3), "same", (1, 1), 5),
    "depthwise, dilation and stride": ((1, 9, 14, 18), (2, 4, 1, 18), (3, 1), "valid", (1, 2), 18),
    "depthwise, dilation and strides across": ((2, 5, 17, 4), (2, 4, 1, 8), (1, 4), "same", (2, 3), 4),
    "depthwise, kernel larger than image": ((2, 3, 2, 9), (5, 7, 1, 9), (1, 1), "same", (1, 1), 9),
    "depthwise, stride larger than kernel": ((1, 8, 9, 3), (1, 2, 1, 3), (3, 4), "valid", (1, 1), 3),
    "depthwise, no images": ((0, 4, 5, 3), (3, 3, 1, 3), (1, 1), "same", (1, 1), 3),
    "depthwise, multiplier 2": ((1, 6, 5, 3), (3, 3, 1, 6), (2, 2), "same", (1, 1), 3),
    "valid to one pixel": ((2, 5, 4, 1), (5, 4, 1, 2), (1, 1), "valid", (1, 1), 1),
    "kernel larger than image": ((1, 3, 2, 2), (5, 5, 2, 2), (1, 1), "same", (1, 1), 1),
    "stride larger than kernel": ((3, 8, 7, 3), (1, 1, 3, 17), (3, 2), "valid", (1, 1), 1),
    "stride leaves a rest": ((1, 8, 9, 2), (3, 3, 2, 2), (3, 3), "valid", (1, 1), 1),
    "many channels, strides": ((2, 7, 6, 9), (3, 2, 9, 5), (2, 1), "same", (1, 1), 1),
    "many channels, stride larger than kernel": ((2, 9, 11, 9), (2, 3, 9, 5), (3, 4), "valid", (1, 1), 1),
    "many channels, stride across": ((1, 6, 7, 9), (2, 3, 9, 4), (1, 2), "same", (1, 1), 1),
    "many channels, uneven strides": ((1, 11, 10, 9), (5, 4, 9, 5), (2, 3), "same", (1, 1), 1),
    "many channels, strides and dilation": ((1, 12, 11, 9), (3, 4, 9, 4), (2, 3), "same", (4, 2), 1),
    "many channels, strides as large as the kernel": ((2, 7, 7, 9), (3, 2, 9, 4), (3, 3), "same", (1, 1), 1),
    "many channels, strides, groups": ((1, 9, 8, 20), (3, 3, 10, 6), (2, 2), "same", (1, 1), 2),
    "many channels, dilation": ((1, 8, 7, 10), (2, 3, 10, 3), (1, 1), "same", (2, 1), 1),
    "Winograd 3x3": ((1, 5, 7, 17), (3, 3, 17, 19), (1, 1), "same", (1, 1), 1),
    "Winograd 3x3, valid": ((3, 6, 8, 16), (3, 3, 16, 37), (1, 1), "valid", (1, 1), 1),
    "Winograd 3x3, large tiles": ((2, 4, 7, 17), (3, 3, 17, 19), (1, 1), "same", (1, 1), 1),
    "Winograd 3x3, large tiles, valid": ((2, 6, 9, 16), (3, 3, 16, 18), (1, 1), "valid", (1, 1), 1),
    "Winograd 2x2": ((2, 8, 11, 18), (2, 2, 18, 16), (1, 1), "same", (1, 1), 1),
    "Winograd 2x2, valid": ((1, 2, 3, 16), (2, 2, 16, 16), (1, 1), "valid", (1, 1), 1),
    "many channels, dilation across": ((1, 7, 8, 10), (2, 3, 10, 5), (1, 1), "same", (3, 2), 1),
    "no images": ((0, 4, 5, 3), (3, 3, 3, 4), (1, 1), "same", (1, 1), 1),
    "many filters": ((1, 3, 11, 2), (2, 2, 2, 37), (1, 1), "same", (1, 1), 1),
    # channels that fill vectors: behind a pool, their gradients are computed from the winners
    "16 channels": ((3, 7, 6, 16), (3, 3, 16, 5), (1, 1), "same", (1, 1), 1),
    "16 channels, valid": ((2, 8, 9, 16), (1, 2, 16, 3), (1, 1), "valid", (1, 1), 1),
    "32 channels, narrow kernel": ((2, 6, 5, 32), (2, 1, 32, 17), (1, 1), "same", (1, 1), 1),
    "64 channels": ((2, 4, 5, 64), (3, 3, 64, 3), (1, 1), "same", (1, 1), 1),
}
if VIRTUAL:  # these cases are slow, and gpu.py has no Winograd
    CONVOLUTIONS = {name: sizes for name, sizes in CONVOLUTIONS.items() if "Winograd" not in name}
    CONVOLUTIONS["four channels, four filters"] = ((1, 4, 5, 4), (3, 3, 4, 4), (1, 1), "same", (1, 1), 1)


def _convolution(sizes, relu, bias, pool=None):
    x_shape, w_shape, strides, padding, dilation, groups = sizes

    def run(op, dtype):
        x, w = normal(*x_shape, seed=1, dtype=dtype), normal(*w_shape, seed=2, dtype=dtype)
        b = normal(w_shape[3], seed=3, dtype=dtype) if bias else None
        y, saved = op.forward(x, w, b, strides, padding, dilation, groups, relu, pool)
        dx, dw, db = op.backward(normal(*y.shape, seed=4, dtype=dtype), saved)
        return {"y": y, "dx": dx, "dw": dw, "db": db}

    return run


for name, sizes in CONVOLUTIONS.items():
    case("conv2d", name)(_convolution(sizes, relu=False, bias=True))
case("conv2d", "relu")(_convolution(CONVOLUTIONS["ordinary"], relu=True, bias=True))
case("conv2d", "no bias")(_convolution(CONVOLUTIONS["ordinary"], relu=False, bias=False))
case("conv2d", "depthwise, relu")(_convolution(CONVOLUTIONS["depthwise, strides"], relu=True, bias=True))
case("conv2d", "depthwise, no bias")(_convolution(CONVOLUTIONS["depthwise 8"], relu=True, bias=False))
case("conv2d", "relu, no bias, groups")(_convolution(CONVOLUTIONS["groups"], relu=True, bias=False))
POOLED = {  # fused with pools of these sizes; the cases are small, so that in float32 no sum falls on ReLU's kink
    "ordinary": ((2, 2), (1, 1), (1, 3), (3, 2)),
    "dilation": ((2, 2), (1, 1), (1, 3), (3, 2)),
    "groups": ((2, 2),),
    "uneven padding": ((2, 2),),
    "stride leaves a rest": ((2, 2),),
    "many channels, strides": ((2, 2),),
    "Winograd 3x3": ((2, 2), (1, 3), (3, 2)),
    "Winograd 3x3, large tiles": ((2, 2), (1, 3), (3, 2)),
    "Winograd 2x2": ((2, 2), (1, 3), (3, 2)),
    "16 channels": ((2, 2), (3, 3), (4, 1), (1, 3)),
    "16 channels, valid": ((2, 2), (2, 3)),
    "32 channels, narrow kernel": ((2, 2),),
    "64 channels": ((2, 2),),
}
for name, pools in POOLED.items():
    for pool in pools if name in CONVOLUTIONS else ():
        sizes = CONVOLUTIONS[name]
        case("conv2d", f"{name}, pool {pool}")(_convolution(sizes, relu=True, bias=True, pool=pool))
        case("conv2d", f"{name}, pool {pool}, no relu")(_convolution(sizes, relu=False, bias=False, pool=pool))


test_float64_is_the_definition, test_float32_is_as_near_the_definition_as_numpy = both_tests(__name__)


@pytest.mark.cpu
def test_pooled_sums_that_the_bias_makes_equal_are_ties():
    x, w = np.zeros((1, 2, 2, 1), np.float32), np.full((1, 1, 1, 1), 1e-9, np.float32)
    x[0, :, :, 0] = [[1, 2], [3, 4]]
    for name in ("loops", "vectorized", "cpu"):
        _, saved = module("conv2d", name).forward(x, w, np.ones(1, np.float32), pool=(2, 2))
        _, dw, _ = module("conv2d", name).backward(np.ones((1, 1, 1, 1), np.float32), saved)
        assert dw.item() == 1, name


def test_a_pool_too_large_for_its_byte_is_refused():
    from minicnn.ops import conv2d

    with pytest.raises(ValueError, match="255"):
        conv2d.forward(np.zeros((1, 16, 16, 1)), np.zeros((1, 1, 1, 1)), None, pool=(16, 16))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("pool", [None, (2, 2)], ids=["no pool", "pool"])
@pytest.mark.parametrize(
    ("side", "C", "F", "reach"),
    [(9, 3, 3, slice(1, 9)), (9, 17, 18, slice(1, 9)), (12, 17, 18, slice(0, 8))],
    ids=["direct", "Winograd", "Winograd, large tiles"],
)
def test_convolution_passes_nan_and_infinity_on(side, C, F, reach, pool, bad):
    """Where the definition is not finite, the fast variant is not either. Winograd may spread this within a tile."""
    x, w, b = normal(1, side, side, C, seed=1), normal(3, 3, C, F, seed=2), normal(F, seed=3)
    x[0, 4, 4, C // 2] = bad
    results = {}
    for name in ("vectorized", "cpu"):
        op = module("conv2d", name)
        with np.errstate(invalid="ignore"):
            y, saved = op.forward(x, w, b, padding="same", pool=pool)
            results[name] = copied({"y": y, "dw": op.backward(normal(*y.shape, seed=4), saved)[1]})
    for what, expected in results["vectorized"].items():
        found = results["cpu"][what]
        assert not np.isfinite(found[~np.isfinite(expected)]).any()
        near = np.zeros(expected.shape, bool)
        if what == "y":  # the bad pixel's windows, and a tile around them
            there = slice(reach.start, 4) if pool else reach
            near[:, there, there] = True
            finite = ~near
            assert_close(found[finite], expected[finite], 1e-9)


@pytest.mark.cpu
@pytest.mark.parametrize("numbers", [1, 700, 8192])
@pytest.mark.parametrize("shape", [(1, 9, 8), (7, 11, 5)], ids=str)
def test_bands_of_winners_of_any_height_give_the_same_gradients(shape, numbers, monkeypatch):
    monkeypatch.setattr(pooled, "_NUMBERS", numbers)
    monkeypatch.setattr(pooled, "_IMAGES", 1)
    x, w, b = normal(*shape, 16, seed=1), normal(3, 3, 16, 6, seed=2), normal(6, seed=3)
    results = []
    for name in ("vectorized", "cpu"):
        op = module("conv2d", name)
        y, saved = op.forward(x, w, b, padding="same", relu=True, pool=(2, 2))
        results.append(copied(dict(zip(("dx", "dw", "db"), op.backward(normal(*y.shape, seed=4), saved), strict=True))))
    for what, expected in results[0].items():
        assert_close(results[1][what], expected, 1e-12)


@pytest.mark.cpu
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_won_its_window_passes_nan_and_infinity_on(bad, monkeypatch):
    """Compare the gradients behind a pool with a plain loop over the winners."""
    monkeypatch.setattr(pooled, "_IMAGES", 1)
    x, w = normal(1, 8, 8, 16, seed=1), normal(3, 3, 16, 5, seed=2)
    x[0, 4, 4, 8] = bad
    with np.errstate(invalid="ignore"):
        z, _ = module("conv2d", "vectorized").forward(x, w, None)
        y, saved = module("conv2d", "cpu").forward(x, w, None, pool=(2, 2))
        dy = normal(*y.shape, seed=4)
        dx, dw, _ = module("conv2d", "cpu").backward(dy, saved)
        expected_dx, expected_dw = np.zeros_like(x), np.zeros_like(w)
        for oh, ow, f in np.ndindex(y.shape[1:]):
            window = z[0, 2 * oh : 2 * oh + 2, 2 * ow : 2 * ow + 2, f].ravel()
            winner = int(np.argmax(np.where(np.isnan(window), np.inf, window)))
            h, v = 2 * oh + winner // 2, 2 * ow + winner % 2
            expected_dw[..., f] += dy[0, oh, ow, f] * x[0, h : h + 3, v : v + 3]
            expected_dx[0, h : h + 3, v : v + 3] += dy[0, oh, ow, f] * w[..., f]
    np.testing.assert_array_equal(np.isfinite(dw), np.isfinite(expected_dw))
    finite = np.isfinite(expected_dw)
    assert_close(dw[finite], expected_dw[finite], 1e-12)
    assert_close(dx, expected_dx, 1e-12)


@pytest.mark.cpu
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_the_gradient_of_a_window_without_a_winner_is_dropped(bad, monkeypatch):
    monkeypatch.setattr(pooled, "_IMAGES", 1)
    op = module("conv2d", "cpu")
    x, w = normal(1, 4, 4, 16, seed=1), normal(3, 3, 16, 2, seed=2)
    y, saved = op.forward(x, w, np.array([-1e6, 0]), padding="same", relu=True, pool=(2, 2))
    dy = normal(*y.shape, seed=3)
    dy[0, 0, 0, 0] = bad
    dx, dw, db = op.backward(dy, saved)
    assert np.isfinite(dx).all()
    assert (dw[..., 0] == 0).all()
    assert db[0] == 0


@pytest.mark.cpu
def test_gradients_of_many_winners_round_no_more_than_numpys(monkeypatch):
    """Long sums of numbers of one sign, 4,096 winners for each kernel entry, are added in parts."""
    monkeypatch.setattr(pooled, "_IMAGES", 1)
    rng = np.random.default_rng(0)
    x, w = rng.random((64, 16, 16, 16), np.float32), normal(3, 3, 16, 8, seed=2, dtype=np.float32)
    errors = {}
    y, _ = module("conv2d", "vectorized").forward(x, w, None, padding="same", pool=(2, 2))
    dy = rng.random(y.shape, np.float32)
    exact = module("conv2d", "vectorized")
    _, saved = exact.forward(x.astype(float), w.astype(float), None, padding="same", pool=(2, 2))
    _, expected, _ = exact.backward(dy.astype(float), saved)
    for name in ("vectorized", "cpu"):
        op = module("conv2d", name)
        _, saved = op.forward(x, w, None, padding="same", pool=(2, 2))
        errors[name] = distance(op.backward(dy, saved)[1], expected)
    assert errors["cpu"] <= 4 * errors["vectorized"]


@pytest.mark.cpu
@pytest.mark.parametrize("pool", [None, (2, 2)], ids=["no pool", "pool"])
@pytest.mark.parametrize(
    ("C", "F", "groups"), [(3, 20, 1), (3, tile_width(np.float64), 1), (12, 20, 2), (16, 17, 1), (9, 9, 9)], ids=str
)
@pytest.mark.parametrize("images", [(200, 18, 17), (400, 7, 6), (500, 2, 3), (24, 48, 44)], ids=str)
def test_threads_share_no_buffer(images, C, F, groups, pool):
    """With work for all threads at the same time, each must have its own bands and sums. A task has several of the
    smaller images."""
    x, w, b = normal(*images, C, seed=1), normal(3, 3, C // groups, F, seed=2), normal(F, seed=3)
    results = {}
    for name in ("vectorized", "tiled", "cpu"):
        op = module("conv2d", name)
        y, saved = op.forward(x, w, b, padding="same", groups=groups, relu=True, pool=pool)
        dx, dw, db = op.backward(normal(*y.shape, seed=4), saved)
        results[name] = copied({"y": y, "dx": dx, "dw": dw, "db": db})
    for name in ("tiled", "cpu"):
        for what, expected in results["vectorized"].items():
            assert_close(results[name][what], expected, 1e-9, f"{name}.py, {what}")


@pytest.mark.cpu
@pytest.mark.parametrize("pool", [None, (2, 2)], ids=["no pool", "pool"])
@pytest.mark.parametrize(
    ("C", "F", "KH", "groups"), [(3, 20, 3, 1), (12, 20, 3, 2), (16, 17, 3, 1), (17, 16, 2, 1), (9, 5, 4, 1)], ids=str
)
@pytest.mark.parametrize("images", [(400, 7, 6), (24, 48, 44)], ids=str)
def test_kernels_write_within_their_scratch_buffers(images, C, F, KH, groups, pool, monkeypatch):
    whole = []

    def with_a_border(dtype, *sizes):
        made = [np.full(THREADS * size + 100_000, 1234.5, dtype) for size in sizes]
        whole.extend((array, THREADS * size) for array, size in zip(made, sizes, strict=True))
        return tuple(array[: THREADS * size] for array, size in zip(made, sizes, strict=True))

    monkeypatch.setattr(workspace, "scratch", with_a_border)
    x, w = normal(*images, C, seed=1), normal(KH, KH, C // groups, F, seed=2)
    y, saved = cpu.forward(x, w, None, padding="same", groups=groups, pool=pool)
    cpu.backward(normal(*y.shape, seed=4), saved)
    assert whole
    for array, size in whole:
        assert (array[size:] == 1234.5).all()


@pytest.mark.cpu
@pytest.mark.parametrize("numbers", [1, 900, 4000])
@pytest.mark.parametrize("sizes", [(3, 5, 1), (9, 8, 1), (16, 17, 1), (6, 10, 2)], ids=str)
def test_bands_of_any_height_give_the_same_numbers(sizes, numbers, monkeypatch):
    C, F, groups = sizes
    for file in (cpu, winograd):
        monkeypatch.setattr(file, "_NUMBERS", numbers)
    x, w = normal(3, 13, 9, C, seed=1), normal(3, 3, C // groups, F, seed=2)
    results = {}
    for name in ("vectorized", "cpu"):
        op = module("conv2d", name)
        y, saved = op.forward(x, w, None, padding="same", groups=groups)
        dx, dw, _ = op.backward(normal(*y.shape, seed=4), saved)
        results[name] = copied({"y": y, "dx": dx, "dw": dw})
    for what, expected in results["vectorized"].items():
        assert_close(results["cpu"][what], expected, 1e-9, what)


FEW_PIXELS = {
    "5x5": ((1, 4, 4, 9), (5, 5, 9, 70), None),
    "5x5 with a pool": ((2, 5, 4, 9), (5, 5, 9, 70), (2, 2)),
    "1x1 to one pixel": ((1, 1, 1, 40), (1, 1, 40, 150), None),
    "Winograd": ((1, 4, 4, 40), (3, 3, 40, 150), None),
    "Winograd with a pool": ((1, 4, 4, 40), (3, 3, 40, 150), (2, 2)),
}


@pytest.mark.cpu
@pytest.mark.parametrize("x, w, pool", FEW_PIXELS.values(), ids=FEW_PIXELS)
def test_filters_are_split_over_the_tasks_of_small_images(x, w, pool, monkeypatch):
    parts = []

    def watched(*arguments):
        made = split_filters(*arguments)
        parts.append(made[1])
        return made

    for file in (cpu, winograd):
        monkeypatch.setattr(file, "split_filters", watched)
    x, w, b, results = normal(*x, seed=1), normal(*w, seed=2), normal(w[-1], seed=3), {}
    for name in ("vectorized", "cpu"):
        op = module("conv2d", name)
        y, saved = op.forward(x, w, b, padding="same", relu=True, pool=pool)
        dx, dw, db = op.backward(normal(*y.shape, seed=4), saved)
        results[name] = copied({"y": y, "dx": dx, "dw": dw, "db": db})
    for what, expected in results["vectorized"].items():
        assert_close(results["cpu"][what], expected, 1e-9, what)
    assert max(parts) > 1
