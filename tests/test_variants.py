"""Every variant of every operation computes its definition: forward and all gradients.

The definition is loops.py where there is one, else vectorized.py, in float64. Fast variants must agree with it in
float64 to 1e-9, and in float32 be at most four times as far from it as vectorized.py in float32 is.
"""

from __future__ import annotations

import importlib
import importlib.util
import math

import numpy as np
import pytest
from helpers import (
    FOR_GPU_ALONE,
    SIMULATED,
    AskedTwice,
    OnGPU,
    assert_close,
    drawing,
    labels,
    normal,
    package,
    probabilities,
)

from minicnn.backend import backends
from minicnn.kernels.random import stream_key
from minicnn.ops import activation, loss, merge
from minicnn.ops.affine_transform import FILL_MODES
from minicnn.ops.conv2d import pooled

CASES = {}
GPU = "cuda" in backends()
VARIANTS = ("vectorized", *([] if FOR_GPU_ALONE else ["cpu"]), *(["gpu"] if GPU else []))


def case(operation, name, *, variants=VARIANTS):
    """Decorator: run(variant, dtype) -> {what: array} is one case of an operation."""

    def decorate(run):
        CASES[f"{operation}-{name}"] = (operation, run, variants)
        return run

    return decorate


def module(operation, name):
    full = f"{package(operation)}.{name}"
    found = importlib.import_module(full) if importlib.util.find_spec(full) else None
    return OnGPU(found) if name == "gpu" else found


def copied(result):
    return {what: np.array(value) for what, value in result.items() if value is not None}


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
    "depthwise, multiplier 2": ((1, 6, 5, 3), (3, 3, 1, 6), (2, 2), "same", (1, 1), 3),
    "valid to one pixel": ((2, 5, 4, 1), (5, 4, 1, 2), (1, 1), "valid", (1, 1), 1),
    "kernel larger than image": ((1, 3, 2, 2), (5, 5, 2, 2), (1, 1), "same", (1, 1), 1),
    "stride larger than kernel": ((3, 8, 7, 3), (1, 1, 3, 17), (3, 2), "valid", (1, 1), 1),
    "stride leaves a rest": ((1, 8, 9, 2), (3, 3, 2, 2), (3, 3), "valid", (1, 1), 1),
    "many channels, strides": ((2, 7, 6, 9), (3, 2, 9, 5), (2, 1), "same", (1, 1), 1),
    "many channels, dilation": ((1, 8, 7, 10), (2, 3, 10, 3), (1, 1), "same", (2, 1), 1),
    "Winograd 3x3": ((1, 5, 7, 17), (3, 3, 17, 19), (1, 1), "same", (1, 1), 1),
    "Winograd 3x3, valid": ((3, 6, 8, 16), (3, 3, 16, 37), (1, 1), "valid", (1, 1), 1),
    "Winograd 3x3, large tiles": ((2, 4, 7, 17), (3, 3, 17, 19), (1, 1), "same", (1, 1), 1),
    "Winograd 3x3, large tiles, valid": ((2, 6, 9, 16), (3, 3, 16, 18), (1, 1), "valid", (1, 1), 1),
    "Winograd 2x2": ((2, 8, 11, 18), (2, 2, 18, 16), (1, 1), "same", (1, 1), 1),
    "Winograd 2x2, valid": ((1, 2, 3, 16), (2, 2, 16, 16), (1, 1), "valid", (1, 1), 1),
    "many filters": ((1, 3, 11, 2), (2, 2, 2, 37), (1, 1), "same", (1, 1), 1),
    # channels that fill vectors, whose gradients are found by their winners behind a pool
    "16 channels": ((3, 7, 6, 16), (3, 3, 16, 5), (1, 1), "same", (1, 1), 1),
    "16 channels, valid": ((2, 8, 9, 16), (1, 2, 16, 3), (1, 1), "valid", (1, 1), 1),
    "32 channels, narrow kernel": ((2, 6, 5, 32), (2, 1, 32, 17), (1, 1), "same", (1, 1), 1),
}
if FOR_GPU_ALONE:  # slowly; gpu.py knows no Winograd, and in the simulator no tile as wide
    only_cpu = ("Winograd", *(["16", "32", "many filters"] if SIMULATED else []))
    CONVOLUTIONS = {name: sizes for name, sizes in CONVOLUTIONS.items() if not any(word in name for word in only_cpu)}
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
case("conv2d", "relu, no bias, groups")(_convolution(CONVOLUTIONS["groups"], relu=True, bias=False))
POOLED = {  # fused with pools of these sizes; ReLU cases stay small, where no draw puts a sum on the kink in float32
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
}
for name, pools in POOLED.items():
    for pool in pools if name in CONVOLUTIONS else ():
        sizes = CONVOLUTIONS[name]
        case("conv2d", f"{name}, pool {pool}")(_convolution(sizes, relu=True, bias=True, pool=pool))
        case("conv2d", f"{name}, pool {pool}, no relu")(_convolution(sizes, relu=False, bias=False, pool=pool))

# x (N, H, W, C), pool, strides, padding
POOLS = {
    "ordinary": ((2, 6, 6, 3), (2, 2), (2, 2), "valid"),
    "all sizes one": ((1, 1, 1, 1), (1, 1), (1, 1), "valid"),
    "overlapping": ((2, 5, 7, 2), (3, 3), (1, 1), "same"),
    "overlapping, stride 2": ((1, 8, 6, 2), (3, 3), (2, 2), "same"),
    "uneven padding": ((1, 7, 5, 1), (4, 2), (3, 2), "same"),
    "a rest is left out": ((3, 7, 9, 2), (2, 3), (2, 3), "valid"),
    "gaps between windows": ((2, 9, 8, 2), (2, 2), (3, 4), "valid"),
    "pool larger than image": ((1, 2, 3, 2), (5, 5), (1, 1), "same"),
    "whole image": ((2, 4, 3, 5), (4, 3), (4, 3), "valid"),
}


def _pool(sizes, values):
    x_shape, pool, strides, padding = sizes

    def run(op, dtype):
        y, saved = op.forward(values(*x_shape).astype(dtype), pool, strides, padding)
        return {"y": y, "dx": op.backward(normal(*y.shape, seed=2, dtype=dtype), saved)}

    return run


def _negative(*shape):
    return -1 - np.abs(normal(*shape, seed=1))


def _with_ties(*shape):
    return np.random.default_rng(1).integers(0, 3, shape).astype(float)


def _with_nan(*shape):
    x = normal(*shape, seed=1)
    x.flat[:: max(1, x.size // 7)] = np.nan
    return x


for name, sizes in POOLS.items():
    for values in (normal, _negative, _with_ties, _with_nan):
        case("max_pool2d", f"{name}, {values.__name__.strip('_')}")(_pool(sizes, values))
    case("avg_pool2d", name)(_pool(sizes, normal))


def _batch_norm(shape, gamma, beta, training, mean=0.0):
    C = shape[-1]

    def run(op, dtype):
        x = (normal(*shape, seed=1, dtype=np.float32) + np.float32(mean)).astype(dtype)
        moving_mean, moving_variance = normal(C, seed=4, dtype=dtype), probabilities(C, seed=5, dtype=dtype)
        y, saved = op.forward(
            x,
            normal(C, seed=2, dtype=dtype) if gamma else None,
            normal(C, seed=3, dtype=dtype) if beta else None,
            moving_mean, moving_variance, 0.9, 1e-3, training,
        )  # fmt: skip
        dx, dgamma, dbeta = op.backward(normal(*shape, seed=6, dtype=dtype), saved)
        return {
            "y": y, "dx": dx, "dgamma": dgamma, "dbeta": dbeta,
            "moving_mean": moving_mean, "moving_variance": moving_variance,
        }  # fmt: skip

    return run


for name, shape in {"images": (3, 4, 5, 6), "rows": (7, 3), "one channel": (2, 3, 2, 1), "one row": (1, 4)}.items():
    for training in (True, False):
        mode = "training" if training else "inference"
        case("batch_norm", f"{name}, {mode}")(_batch_norm(shape, True, True, training))
case("batch_norm", "no gamma")(_batch_norm((3, 2, 2, 4), False, True, True))
case("batch_norm", "no beta")(_batch_norm((3, 2, 2, 4), True, False, True))
case("batch_norm", "neither")(_batch_norm((3, 2, 2, 4), False, False, True))
case("batch_norm", "mean 1e4")(_batch_norm((16, 5, 5, 3), True, True, True, mean=1e4))


def _dense(shape, units, relu, bias):
    def run(op, dtype):
        b = normal(units, seed=3, dtype=dtype) if bias else None
        y, saved = op.forward(normal(*shape, dtype=dtype), normal(shape[-1], units, seed=2, dtype=dtype), b, relu)
        dx, dw, db = op.backward(normal(*y.shape, seed=4, dtype=dtype), saved)
        return {"y": y, "dx": dx, "dw": dw, "db": db}

    return run


for shape, units in (
    ((4, 7), 3),
    ((1, 1), 1),
    ((2, 3, 4), 5),
    *([] if SIMULATED else [((33, 50), 19), ((9, 130), 70)]),
):
    case("dense", f"{shape} to {units}")(_dense(shape, units, False, True))
case("dense", "relu")(_dense((5, 6), 7, True, True))
case("dense", "no bias")(_dense((5, 6), 7, False, False))


def _global_pool(kind, shape, values):
    def run(op, dtype):
        y, saved = getattr(op, f"{kind}_forward")(values(*shape).astype(dtype))
        return {"y": y, "dx": getattr(op, f"{kind}_backward")(normal(*y.shape, seed=2, dtype=dtype), saved)}

    return run


for shape in ((2, 3, 5, 4), (1, 1, 1, 1), (3, 7, 2, 1)):
    case("global_pool2d", f"average {shape}")(_global_pool("average", shape, normal))
    case("global_pool2d", f"maximum {shape}")(_global_pool("maximum", shape, normal))
    case("global_pool2d", f"maximum {shape}, ties")(_global_pool("maximum", shape, _with_ties))


def _activation(name, parameter, x):
    x = x.astype(np.float32)

    def run(op, dtype):
        y, saved = getattr(op, f"{name}_forward")(x.astype(dtype), parameter)
        return {"y": y, "dx": getattr(op, f"{name}_backward")(normal(*x.shape, seed=2, dtype=dtype), saved)}

    return run


_EXTREMES = np.array([[-800.0, -90.0, -20.0, -1e-9], [0.0, 1e-9, 20.0, 90.0], [800.0, -0.0, 0.3, -0.3]])
_PARAMETERS = {"leaky_relu": 0.2, "elu": 1.5, "clipped_relu": 0.7}
for name in activation.NAMES:
    extremes = np.minimum(_EXTREMES, 80) if name == "exponential" else _EXTREMES  # above, it overflows as it must
    for what, x in (("ordinary", 3 * normal(3, 4, 5)), ("extremes", extremes), ("NaN", _with_nan(3, 5))):
        case("activation", f"{name}, {what}")(_activation(name, _PARAMETERS.get(name, 0.0), x))


def _loss(name, predictions, target):
    def run(op, dtype):
        p = predictions()
        t = target if target.dtype.kind == "i" else target.astype(dtype)
        losses, saved = getattr(op, f"{name}_forward")(p.astype(dtype), t, 1e-7)
        return {"loss": losses, "dp": getattr(op, f"{name}_backward")(normal(len(p), seed=3, dtype=dtype), saved)}

    return run


def _some_zeros_and_ones(p):
    return np.clip(np.round(p * 4) / 4, 0, 1) + (np.arange(p.shape[1]) == 0) * 2.0**-10


for name in loss.NAMES:
    for M, K in ((6, 5), (1, 1), (3, 2)):
        t = labels(M, classes=K, seed=2) if name.startswith("sparse") else probabilities(M, K, seed=2)
        if name in ("softmax_cross_entropy", "sparse_softmax_cross_entropy", "sigmoid_cross_entropy"):
            case("loss", f"{name}, {M} x {K}")(_loss(name, lambda M=M, K=K: 4 * normal(M, K, seed=1), t))
            case("loss", f"{name}, {M} x {K}, raw pixels")(_loss(name, lambda M=M, K=K: 256 * normal(M, K, seed=1), t))
        elif name.startswith("mean") or name in ("huber", "log_cosh", "hinge", "squared_hinge"):
            case("loss", f"{name}, {M} x {K}")(_loss(name, lambda M=M, K=K: normal(M, K, seed=1), t))
        else:
            case("loss", f"{name}, {M} x {K}")(_loss(name, lambda M=M, K=K: probabilities(M, K, seed=1), t))
            case("loss", f"{name}, {M} x {K}, zeros and ones")(
                _loss(name, lambda M=M, K=K: _some_zeros_and_ones(probabilities(M, K, seed=1)), t)
            )


def _optimizer(name, steps=3, **options):
    def run(op, dtype):
        w, memories = normal(4, 5, dtype=dtype), {}
        for t in range(1, steps + 1):
            g = normal(4, 5, seed=t, dtype=dtype)

            def memory(label, wanted=True):
                return memories.setdefault(label, np.zeros_like(w)) if wanted else None

            if name == "sgd":
                op.sgd(w, g, 0.1)
            elif name == "momentum":
                op.momentum(w, g, memory("v"), 0.1, 0.9, options["nesterov"])
            elif name == "rmsprop":
                a, v = memory("a", options["centered"]), memory("v", options["momentum"] > 0)
                op.rmsprop(w, g, memory("s"), a, v, 0.01, 0.9, options["momentum"], 1e-7)
            elif name == "adam":
                v_hat = memory("v_hat", options["amsgrad"])
                rate = 0.01 * math.sqrt(1 - 0.999**t) / (1 - 0.9**t)
                op.adam(w, g, memory("m"), memory("v"), v_hat, rate, 0.9, 0.999, 1e-7)
            elif name == "adagrad":
                op.adagrad(w, g, memory("a"), 0.01, 1e-7)
            elif name == "adadelta":
                op.adadelta(w, g, memory("a"), memory("d"), 1.0, 0.95, 1e-7)
            elif name == "adamax":
                op.adamax(w, g, memory("m"), memory("u"), 0.01 / (1 - 0.9**t), 0.9, 0.999, 1e-7)
            elif name == "decay":
                op.decay(w, 0.03)
        return {"w": w, **memories}

    return run


for name in ("sgd", "adagrad", "adadelta", "adamax", "decay"):
    case("optimizer_update", name)(_optimizer(name))
for nesterov in (False, True):
    case("optimizer_update", f"momentum, nesterov={nesterov}")(_optimizer("momentum", nesterov=nesterov))
for centered in (False, True):
    for momentum in (0.0, 0.9):
        case("optimizer_update", f"rmsprop, centered={centered}, momentum={momentum}")(
            _optimizer("rmsprop", centered=centered, momentum=momentum)
        )
for amsgrad in (False, True):
    case("optimizer_update", f"adam, amsgrad={amsgrad}")(_optimizer("adam", amsgrad=amsgrad))


@case("optimizer_update", "clipping and penalties")
def _(op, dtype):
    g, w = normal(300, dtype=dtype), normal(300, seed=1, dtype=dtype)
    w[:3] = 0
    return {
        "clip_value": op.clip_value(g, 0.5), "inside": op.clip_norm([g], 100.0)[0],
        "shrunk": np.concatenate(op.clip_norm([g, w], 3.0)), "penalty": op.penalty(w, 0.1, 0.01),
        "add_penalty_gradient": op.add_penalty_gradient(g, w, 0.1, 0.01),
    }  # fmt: skip


@case("dropout", "elements")
def _(op, dtype):
    y, saved = op.forward(normal(3, 4, 5, dtype=dtype), 0.4, stream_key(1, 2))
    return {"y": y, "dx": op.backward(normal(3, 4, 5, seed=1, dtype=dtype), saved)}


@case("dropout", "channels")
def _(op, dtype):
    y, saved = op.forward(normal(2, 3, 4, 5, dtype=dtype), 0.4, stream_key(1, 2), (2, 1, 1, 5))
    return {"y": y, "dx": op.backward(normal(2, 3, 4, 5, seed=1, dtype=dtype), saved)}


@case("dropout", "everything dropped")
def _(op, dtype):
    y, saved = op.forward(normal(3, 4, dtype=dtype), 1.0, stream_key(1, 2))
    return {"y": y, "dx": op.backward(normal(3, 4, seed=1, dtype=dtype), saved)}


def _merge(kind, shapes, *arguments):
    def run(op, dtype):
        xs = [normal(*shape, seed=i, dtype=dtype) for i, shape in enumerate(shapes)]
        y, saved = getattr(op, f"{kind}_forward")(xs, *arguments)
        dxs = getattr(op, f"{kind}_backward")(normal(*y.shape, seed=9, dtype=dtype), saved)
        return {"y": y, **{f"dx{i}": dx for i, dx in enumerate(dxs)}}

    return run


for kind in merge.NAMES:
    two = kind in ("subtract", "divide")
    case("merge", kind)(_merge(kind, [(2, 3, 4)] * (2 if two else 3)))
    case("merge", f"{kind}, broadcast")(_merge(kind, [(2, 3, 4, 5), (2, 1, 1, 5), (2, 3, 4, 1)][: 2 if two else 3]))
    if two:
        case("merge", f"{kind}, first broadcast")(_merge(kind, [(1, 1, 4), (2, 3, 4)]))


def _ties(kind):
    def run(op, dtype):
        xs = [np.round(normal(3, 5, seed=i, dtype=dtype)) for i in range(3)]
        y, saved = getattr(op, f"{kind}_forward")(xs)
        dxs = getattr(op, f"{kind}_backward")(normal(3, 5, seed=9, dtype=dtype), saved)
        return {"y": y, **{f"dx{i}": dx for i, dx in enumerate(dxs)}}

    return run


for kind in ("maximum", "minimum"):
    case("merge", f"{kind}, ties")(_ties(kind))


@case("merge", "maximum and minimum of NaN")
def _(op, dtype):
    xs = [normal(3, 5, dtype=dtype), normal(3, 5, seed=1, dtype=dtype)]
    xs[0][0, 0] = xs[1][1, 1] = np.nan
    return {"maximum": op.maximum_forward(xs, False)[0], "minimum": op.minimum_forward(xs, False)[0]}


case("merge", "concatenate")(_merge("concatenate", [(2, 3, 4), (2, 3, 1), (2, 3, 7)], -1))
case("merge", "concatenate, middle axis")(_merge("concatenate", [(2, 3, 4), (2, 2, 4)], 1))


@case("weighted_sum", "with and without weights")
def _(op, dtype):
    x, weights = normal(300, dtype=dtype), normal(300, seed=1, dtype=dtype)
    return {"sum": op.forward(x), "weighted": op.forward(x, weights)}


@case("transfer", "there and back")
def _(op, dtype):
    x = normal(3, 4, dtype=dtype)
    counted = iter(range(7, 99))
    numbers = [np.ravel(op.number(lambda: next(counted), "float64")) for _ in range(2)]
    return {"x": op.to_host(op.here(x)), "filled": op.to_host(op.full_like(x, 0.25)), "numbers": np.ravel(numbers)}


@case("replay", "a function of two arrays, six times")
def _(op, dtype):
    steps, results = op.make(lambda x, y: [y, x], lambda: ([], [])), {}
    for i in range(6):
        y, x = steps(normal(3, 4, seed=i, dtype=dtype), normal(5, seed=i, dtype=dtype))
        results.update({f"x{i}": np.array(x), f"y{i}": np.array(y)})  # the next call may overwrite them
    return results


@case("zero_pad2d", "four sides")
def _(op, dtype):
    y, saved = op.forward(normal(2, 3, 4, 5, dtype=dtype), (1, 0, 2, 3))
    return {"y": y, "dx": op.backward(normal(*y.shape, seed=1, dtype=dtype), saved)}


# fill mode, interpolation, x's shape, size of y
MOVED = {
    **{f"{mode}, bilinear": (mode, "bilinear", (2, 5, 7, 3), (4, 9)) for mode in FILL_MODES},
    **{f"{mode}, nearest": (mode, "nearest", (2, 5, 6, 2), (5, 6)) for mode in FILL_MODES},
    "one channel": ("reflect", "bilinear", (1, 8, 8, 1), (8, 8)),
    "one pixel": ("wrap", "bilinear", (2, 1, 1, 2), (3, 2)),
}


def _moved(mode, interpolation, shape, size):
    def run(op, dtype):
        x = normal(*shape, seed=1, dtype=dtype)
        transforms = np.tile([1.0, 0, 0, 0, 1, 0], (shape[0], 1)) + 0.6 * normal(shape[0], 6, seed=2)
        transforms[:, [2, 5]] *= 5
        y, saved = op.forward(x, transforms.astype(dtype), size, mode, 0.25, interpolation)
        return {"y": y, "dx": op.backward(normal(*y.shape, seed=3, dtype=dtype), saved)}

    return run


for name, of_case in MOVED.items():
    case("affine_transform", name)(_moved(*of_case))


@case("color", "contrast")
def _(op, dtype):
    x, factors = normal(3, 4, 5, 2, dtype=dtype), np.array([0.5, 1.0, 1.75], dtype)
    y, saved = op.contrast_forward(x, factors, -1.0, 1.5)
    return {"y": y, "dx": op.contrast_backward(normal(*y.shape, seed=1, dtype=dtype), saved)}


@case("color", "brightness")
def _(op, dtype):
    x, deltas = normal(3, 4, 5, 2, dtype=dtype), np.array([0.5, 0.0, -0.75], dtype)
    y, saved = op.brightness_forward(x, deltas, -1.0, 1.5)
    return {"y": y, "dx": op.brightness_backward(normal(*y.shape, seed=1, dtype=dtype), saved)}


for interpolation in ("bilinear", "nearest"):
    for shape, size in (((2, 5, 7, 3), (8, 4)), ((1, 3, 2, 1), (1, 1)), ((2, 1, 4, 2), (3, 4))):

        @case("resize", f"{interpolation}, {shape[1:3]} to {size}")
        def _(op, dtype, interpolation=interpolation, shape=shape, size=size):
            y, saved = op.forward(normal(*shape, dtype=dtype), size, interpolation)
            return {"y": y, "dx": op.backward(normal(*y.shape, seed=1, dtype=dtype), saved)}


@case("rescale", "per channel")
def _(op, dtype):
    y, saved = op.forward(normal(2, 3, 4, dtype=dtype), normal(4, seed=1, dtype=dtype), normal(4, seed=2, dtype=dtype))
    return {"y": y, "dx": op.backward(normal(2, 3, 4, seed=3, dtype=dtype), saved)}


@case("reverse", "channels")
def _(op, dtype):
    y, saved = op.forward(normal(2, 3, 4, dtype=dtype))
    return {"y": y, "dx": op.backward(normal(2, 3, 4, seed=1, dtype=dtype), saved)}


def _noise(kind, *arguments):
    def run(op, dtype):
        y, saved = getattr(op, f"{kind}_forward")(normal(2, 3, 4, dtype=dtype), *arguments)
        return {"y": y, "dx": getattr(op, f"{kind}_backward")(normal(2, 3, 4, seed=1, dtype=dtype), saved)}

    return run


case("noise", "added")(_noise("added", 0.3, stream_key(1, 2)))
case("noise", "multiplied")(_noise("multiplied", 0.3, stream_key(1, 2)))
case("noise", "alpha")(_noise("alpha", 0.3, stream_key(1, 2)))
case("noise", "alpha, together")(_noise("alpha", 0.3, stream_key(1, 2), (2, 1, 4)))


@case("constraint", "all")
def _(op, dtype):
    ws = {name: 2 * normal(3, 2, 4, seed=1, dtype=dtype) for name in ("positive", "norm", "unit", "between")}
    op.non_negative(ws["positive"])
    op.limit_norm(ws["norm"], (0,), 0.0, 2.0)
    op.limit_norm(ws["unit"], (0, 1), 1.0, 1.0)
    op.limit_norm(ws["between"], (1,), 0.5, 1.5, 0.3)
    return ws


@case("metric", "top k and counts")
def _(op, dtype):
    p, t = probabilities(9, 4, dtype=dtype), np.eye(4, dtype=dtype)[labels(9, classes=4)]
    p[0, 1:3] = 2  # a tie
    p[1, labels(9, classes=4)[1]] = np.nan
    p[2, 3] = np.inf
    counts = ("true_positives", "false_positives", "true_negatives", "false_negatives")
    return {
        "sparse": op.sparse_top_k(p, labels(9, classes=4), 2), "one-hot": op.top_k(p, t, 2),
        **{name: getattr(op, name)(p, t, 0.3) for name in counts},
    }  # fmt: skip


@case("metric", "accuracies")
def _(op, dtype):
    p, t = probabilities(9, 4, dtype=dtype), np.eye(4, dtype=dtype)[labels(9, classes=4)]
    p[0, 1:3] = 2  # a tie: the first counts
    p[1, 2] = np.nan
    return {
        "sparse": op.sparse_categorical_accuracy(p, labels(9, classes=4)), "categorical": op.categorical_accuracy(p, t),
        "binary": op.binary_accuracy(p, t, 0.3),
    }  # fmt: skip


def _gather(x, index):
    return lambda op, dtype: {
        "y": op.forward(x, np.array(index), dtype), "slice": op.forward(x, slice(2, 5), dtype),
        "past the end": op.forward(x, slice(5, 9), dtype),
    }  # fmt: skip


_PIXELS = np.random.default_rng(0).integers(0, 256, (7, 3, 4))
for name, x in {
    "uint8": _PIXELS.astype(np.uint8),
    "int64": _PIXELS,
    "float64": _PIXELS / 7,
    "float32": (_PIXELS / 7).astype(np.float32),
    "float16": _PIXELS.astype(np.float16),
    "bool": _PIXELS > 100,
    "big-endian": (_PIXELS / 7).astype(">f4"),
    "Fortran order": np.asfortranarray(_PIXELS / 7),
    "every second row": np.repeat(_PIXELS, 2, axis=0)[::2],
    "backwards": (_PIXELS / 7)[::-1, :, ::-1],
}.items():
    case("gather", name)(_gather(x, [3, 0, 0, 6]))


@pytest.mark.parametrize("name", CASES)
def test_float64_is_the_definition(name):
    operation, run, variants = CASES[name]
    loops = module(operation, "loops")
    definition = copied(run(AskedTwice(loops or module(operation, "vectorized")), np.float64))
    for variant in variants:
        found = copied(run(AskedTwice(module(operation, variant)), np.float64))
        assert found.keys() == definition.keys()
        for what, value in found.items():
            assert_close(value, definition[what], 1e-9, f"{variant}.py, {what}")


# small arrays have few roundings: errors are taken over several draws of the numbers, and over more of a few numbers
DRAWS, FEW, DRAWS_OF_FEW = 5, 10, 25


@pytest.mark.parametrize("name", CASES)
def test_float32_is_as_near_the_definition_as_numpy(name):
    operation, run, variants = CASES[name]
    loops = module(operation, "loops")
    names = (*variants, *(["loops"] if loops and not FOR_GPU_ALONE else []))
    errors, definition = {}, {}
    for draw in range(DRAWS_OF_FEW):
        if draw >= DRAWS and max(value.size for value in definition.values()) > FEW:
            break
        with drawing(draw):
            definition = copied(run(loops or module(operation, "vectorized"), np.float64))
            for variant in names:
                for what, value in copied(run(module(operation, variant), np.float32)).items():
                    exact = definition[what]
                    np.testing.assert_array_equal(np.isnan(value), np.isnan(exact))
                    # the exact result, rounded to float32, is this far from itself
                    rounding = _distance(np.asarray(exact, np.float32), exact)
                    _keep_largest(errors, ("rounding", what), rounding)
                    _keep_largest(errors, (variant, what), _distance(value, exact))
    for (variant, what), found in errors.items():
        allowed = 4 * max(errors["vectorized", what], errors["rounding", what])
        assert found <= allowed, f"{variant}.py, {what}: {found:.2e} is more than {allowed:.2e}"


def _keep_largest(errors, key, value):
    errors[key] = max(errors.get(key, 0.0), value)


def _distance(a, b):
    difference = np.abs(np.nan_to_num(np.asarray(a, np.float64)) - np.nan_to_num(np.asarray(b, np.float64)))
    return float(difference.max()) if difference.size else 0.0


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
    """Where the definition is not finite, neither is the fast variant. Winograd may spread it within a tile."""
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


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_won_its_window_passes_nan_and_infinity_on(bad, monkeypatch):
    """The gradients behind a pool, against a loop over the winners alone."""
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


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_gradient_of_a_window_that_nobody_won_goes_nowhere(bad, monkeypatch):
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


def test_gradients_of_many_winners_round_no_more_than_numpys(monkeypatch):
    """Long sums of numbers of one sign, 4,096 winners to a tap, are added up in parts."""
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
        errors[name] = _distance(op.backward(dy, saved)[1], expected)
    assert errors["cpu"] <= 4 * errors["vectorized"]


def test_every_operation_has_cases():
    from test_signatures import OPERATIONS

    assert {operation for operation, _, _ in CASES.values()} == set(OPERATIONS)
