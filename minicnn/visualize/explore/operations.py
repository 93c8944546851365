"""Each layer as the operations that the page computes: its name in `ops/`, its settings, and its weights.

`operations_of(layer, shapes)` gives the list, first to last. Only the first operation may read several arrays. A layer
that is not in the table, for example a user's own, gives None: the page then shows what minicnn computed.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ... import config, layers
from ...activations import Activation as Function
from ...layers.activation import ELU, Activation, LeakyReLU, ReLU, Softmax
from ...layers.arithmetic import Arithmetic
from ...layers.augmentation import Augmentation
from ...layers.places import Rearrangement, View
from ...ops.resize import INTERPOLATIONS
from ...ops.resize.tables import table
from ...shapes import middle, transposed_window, window


class Operation(NamedTuple):
    """One step of the page's network. weights: arrays, or the variables that hold them, by their names in Keras."""

    op: str
    settings: dict = {}  # noqa: RUF012 - never changed in place
    weights: dict = {}  # noqa: RUF012


def operations_of(layer, shapes) -> list[Operation] | None:
    """shapes: of the arrays that the layer reads, with the batch axis."""
    if isinstance(layer, Augmentation) and not isinstance(layer, layers.RandomCrop):
        return [_SAME]  # augmentation changes nothing in inference
    make, function = _MAKERS.get(type(layer)), getattr(layer, "function", getattr(layer, "activation", None))
    if make is None or (function is not None and type(function) is not Function):
        return None  # the layer or its activation is a user's own
    return make(layer, *shapes)


_SAME = Operation("reshape")
_LONGEST_INDEX = 20_000  # numbers, which are text in the page


def _conv2d(layer, x):
    win = window(x[1], x[2], layer.kernel_size, layer.strides, layer.padding, layer.dilation_rate)
    depthwise = isinstance(layer, layers.DepthwiseConv2D)
    groups = x[3] if depthwise else layer.groups
    settings = {"window": win._asdict(), "groups": groups, "channels": x[3] // groups}
    return [Operation("conv2d", settings, _kernel_and_bias(layer)), *_activation(layer.activation)]


def _kernel_and_bias(layer):
    return {"kernel": layer.kernel} if layer.bias is None else {"kernel": layer.kernel, "bias": layer.bias}


def _separable_conv2d(layer, x):
    win = window(x[1], x[2], layer.kernel_size, layer.strides, layer.padding, layer.dilation_rate)
    between = x[3] * layer.depth_multiplier
    first = {"window": win._asdict(), "groups": x[3], "channels": 1, "shape": [win.OH, win.OW, between]}
    second = {"window": window(win.OH, win.OW, (1, 1), (1, 1), "valid")._asdict(), "groups": 1, "channels": between}
    return [
        Operation("conv2d", first, {"kernel": layer.depthwise_kernel}),
        Operation("conv2d", second, _kernel_and_bias(layer)),
        *_activation(layer.activation),
    ]


def _conv2d_transpose(layer, x):
    _, _, win = transposed_window(
        x[1], x[2], layer.kernel_size, layer.strides, layer.padding, layer.output_padding, layer.dilation_rate
    )
    settings = {"window": win._asdict()}
    return [Operation("conv2d_transpose", settings, _kernel_and_bias(layer)), *_activation(layer.activation)]


def _dense(layer, x):
    return [Operation("dense", {}, _kernel_and_bias(layer)), *_activation(layer.activation)]


def _activation(function):
    if function.operation is None:
        return []
    return [Operation("activation", {"function": function.operation, "parameter": float(function.parameter)})]


def _activation_layer(layer, x):
    return _activation(layer.function) or [_SAME]


def _max_pool2d(layer, x):
    return [Operation("max_pool2d", _pool_window(layer, x))]


def _avg_pool2d(layer, x):
    return [Operation("avg_pool2d", _pool_window(layer, x))]


def _pool_window(layer, x):
    return {"window": window(x[1], x[2], layer.pool_size, layer.strides, layer.padding)._asdict()}


def _global_average(layer, x):
    return [Operation("global_pool2d", {"kind": "average"})]


def _global_maximum(layer, x):
    return [Operation("global_pool2d", {"kind": "maximum"})]


def _batch_norm(layer, x):
    names = ("gamma", "beta", "moving_mean", "moving_variance")
    weights = {name: getattr(layer, name) for name in names if getattr(layer, name) is not None}
    operation = Operation("batch_norm", {"epsilon": float(layer.epsilon)}, weights)
    there = layer.to_the_end
    if there is None:
        return [operation]
    back = np.argsort(there)
    parts = (
        _rearrangement(Rearrangement("transpose", {"axes": [int(axis) for axis in order]}), [x[i] for i in of])
        for order, of in ((there, range(len(x))), (back, there))
    )
    first, last = parts
    return None if None in (first, last) else [*first, operation, *last]


def _same(layer, x):
    return [_SAME]


def _zero_pad2d(layer, x):
    (top, bottom), (left, right) = layer.padding
    return [_window(top, left, 0.0)]


def _window(top, left, fill):
    """Zeros around an image; with negative numbers a part of the image."""
    return Operation("zero_pad2d", {"top": int(top), "left": int(left), "fill": float(fill)})


def _rescaling(layer, x):
    return [_rescale(layer.scale, layer.offset, x)]


def _rescale(scale, offset, x):
    numbers = {"scale": scale, "offset": offset}
    return Operation("rescale", {}, {name: np.broadcast_to(value, x[-1:]) for name, value in numbers.items()})


def _normalization(layer, x):
    mean, variance = (np.asarray(value, np.float64) for value in (layer.mean, layer.variance))
    before, after = [], []
    if mean[..., 0].size > 1:  # one for each pixel or row: as if each place were a channel
        mean, variance = (np.broadcast_to(value, (1, *x[1:])) for value in (mean, variance))
        before = [Operation("reshape", {"shape": [mean.size]})]
        after, x = [Operation("reshape", {"shape": list(x[1:])})], (x[0], mean.size)
    mean, deviation = mean.reshape(-1), np.maximum(np.sqrt(variance), config.epsilon()).reshape(-1)
    if layer.invert:
        return [*before, _rescale(deviation, mean, x), *after]
    steps = [_rescale(1.0, -mean, x), _rescale(1 / deviation, 0.0, x)]
    if before:
        steps = [step._replace(settings={**step.settings, "shape": [mean.size]}) for step in steps]
    return [*before, *steps, *after]


def _resizing(layer, x):
    if layer.antialias or layer.interpolation not in INTERPOLATIONS:
        return None  # products with matrices
    (_, H, W, _), size, before = x, (layer.height, layer.width), []
    if layer.crop_to_aspect_ratio:
        return _fitted(x, size, layer.interpolation)
    if layer.pad_to_aspect_ratio:
        top = int((max(H, int(W * size[0] / size[1])) - H) / 2)
        left = int((max(W, int(H * size[1] / size[0])) - W) / 2)
        before, H, W = [_window(top, left, layer.fill_value)], H + 2 * top, W + 2 * left
        before = [before[0]._replace(settings={**before[0].settings, "shape": [H, W, x[3]]})]
    return [*before, _resize((H, W), size, layer.interpolation)]


def _resize(of, size, interpolation):
    rows, columns = (table(of[i], size[i], interpolation) for i in (0, 1))
    return Operation("resize", {"rows": [t.tolist() for t in rows], "columns": [t.tolist() for t in columns]})


def _fitted(x, size, interpolation):
    """The largest part with these proportions out of the middle, resized."""
    top, left, height, width = middle(x[1], x[2], size)
    cut = _window(-top, -left, 0.0)
    cut = cut._replace(settings={**cut.settings, "shape": [height, width, x[3]]})
    return [cut, _resize((height, width), size, interpolation)]


def _up_sampling(layer, x):
    if layer.interpolation not in INTERPOLATIONS:
        return None
    return [_resize((x[1], x[2]), [side * n for side, n in zip(x[1:3], layer.size, strict=True)], layer.interpolation)]


def _cropping(layer, x):
    return [_window(-layer.cropping[0][0], -layer.cropping[1][0], 0.0)]


def _center_crop(layer, x):
    size = (layer.height, layer.width)
    if size[0] > x[1] or size[1] > x[2]:
        return _fitted(x, size, "bilinear")
    return [_window(-((x[1] - size[0]) // 2), -((x[2] - size[1]) // 2), 0.0)]


def _random_crop(layer, x):
    return _fitted(x, (layer.height, layer.width), "bilinear")  # in inference


def _merge(layer, *shapes):
    return [Operation("merge", {"kind": layer.operation})]


def _concatenate(layer, *shapes):
    axis = layer.axis if layer.axis >= 0 else layer.axis + len(shapes[0])
    return [Operation("concatenate", {"axis": axis - 1})]


def _arithmetic(layer, *shapes):
    settings = {"kind": layer.operation}
    if layer.constant is None:
        return [Operation("merge", settings)]
    constant = np.asarray(layer.constant, np.float32)
    if constant.ndim == len(shapes[0]):
        constant = constant[0]  # without its batch axis of size 1
    constant = constant.reshape((1,) * (len(shapes[0]) - 1 - constant.ndim) + constant.shape)
    return [Operation("merge", {**settings, "constant_first": layer.constant_first}, {"constant": constant})]


def _rearrangement(layer, x):
    found = layer.table_of_image((1, *x[1:]))
    if found is None or found[0].index.size > _LONGEST_INDEX:
        return None
    return [Operation("moves", {"index": found[0].index.tolist(), "fill": layer.fill, "shape": list(found[1])})]


def _view(layer, x):
    return [Operation("reshape")] if layer.compute_output_shape((5, *x[1:]))[:1] == (5,) else None


_UNCHANGED = (
    layers.InputLayer, layers.Identity, layers.Flatten, layers.Reshape, layers.Dropout, layers.SpatialDropout2D,
    layers.GaussianDropout, layers.GaussianNoise, layers.AlphaDropout, layers.ActivityRegularization,
)  # fmt: skip
_MERGES = (
    layers.Add, layers.Average, layers.Multiply, layers.Maximum, layers.Minimum, layers.Subtract,
)  # fmt: skip
_MAKERS = {
    **dict.fromkeys(_UNCHANGED, _same),
    **dict.fromkeys(_MERGES, _merge),
    **dict.fromkeys((Activation, ReLU, LeakyReLU, ELU, Softmax), _activation_layer),
    layers.Conv2D: _conv2d, layers.DepthwiseConv2D: _conv2d, layers.SeparableConv2D: _separable_conv2d,
    layers.Conv2DTranspose: _conv2d_transpose,
    layers.Dense: _dense, layers.UpSampling2D: _up_sampling, layers.Cropping2D: _cropping,
    layers.MaxPooling2D: _max_pool2d, layers.AveragePooling2D: _avg_pool2d,
    layers.GlobalAveragePooling2D: _global_average, layers.GlobalMaxPooling2D: _global_maximum,
    layers.BatchNormalization: _batch_norm, layers.ZeroPadding2D: _zero_pad2d, layers.Rescaling: _rescaling,
    layers.Normalization: _normalization, layers.Resizing: _resizing, layers.CenterCrop: _center_crop,
    layers.RandomCrop: _random_crop, layers.Concatenate: _concatenate, Arithmetic: _arithmetic,
    Rearrangement: _rearrangement, View: _view,
}  # fmt: skip
