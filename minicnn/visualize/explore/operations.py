"""Each layer as the operations that the page computes: its name in `ops/`, its settings, and its weights.

`operations_of(layer, shapes)` gives the list, first to last. A layer that defines `call` is taken apart into the
functions that it calls (`graphs.py`). Another layer that is not in the table, for example a user's own with `forward`,
gives None: the page then shows what minicnn computed.
"""

from __future__ import annotations

import numpy as np

from ... import config, layers
from ...activations import Activation as Function
from ...activations import FunctionActivation
from ...layers.activation import ELU, Activation, LeakyReLU, ReLU, Softmax
from ...layers.augmentation import Augmentation
from ...layers.places import Rearrangement
from ...ops.resize.tables import table, weights
from ...shapes import middle, transposed_window, window
from .graphs import FUNCTIONS, after, operations_of_function, operations_of_graph
from .operation import SAME, Operation


def operations_of(layer, shapes) -> list[Operation] | None:
    """shapes: of the arrays that the layer reads, with the batch axis."""
    if isinstance(layer, Augmentation) and not isinstance(layer, layers.RandomCrop):
        return [SAME]  # augmentation changes nothing in inference
    if layer._draws:
        graph = layer.drawn_for(list(shapes), False)
        return None if graph.gives_several else operations_of_graph(graph, shapes, operations_of)
    if type(layer) in FUNCTIONS:
        return operations_of_function(layer, shapes)
    make, function = _MAKERS.get(type(layer)), getattr(layer, "function", getattr(layer, "activation", None))
    if make is None or not (function is None or type(function) in (Function, FunctionActivation)):
        return None  # a user's own layer, with `forward`, or a layer as an activation
    operations = make(layer, *shapes)
    if operations is not None and type(function) is FunctionActivation:
        shape = layer.compute_output_shape(shapes[0])
        return after(operations, function.drawn_for(shape, layer.dtype), shape, operations_of)
    return operations


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
    if function.operation is None or type(function) is FunctionActivation:  # its graph comes after
        return []
    return [Operation("activation", {"function": function.operation, "parameter": float(function.parameter)})]


def _activation_layer(layer, x):
    return _activation(layer.function) or [SAME]


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
        operations_of_function(
            Rearrangement("transpose", {"axes": [int(axis) for axis in order]}), [[x[i] for i in of]]
        )
        for order, of in ((there, range(len(x))), (back, there))
    )
    first, last = parts
    return None if None in (first, last) else [*first, operation, *last]


def _same(layer, x):
    return [SAME]


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
    (_, H, W, C), size, before = x, (layer.height, layer.width), []
    if layer.crop_to_aspect_ratio:
        return _fitted(x, size, layer.interpolation, layer.antialias)
    if layer.pad_to_aspect_ratio:
        top = int((max(H, int(W * size[0] / size[1])) - H) / 2)
        left = int((max(W, int(H * size[1] / size[0])) - W) / 2)
        before, H, W = [_window(top, left, layer.fill_value)], H + 2 * top, W + 2 * left
        before = [before[0]._replace(settings={**before[0].settings, "shape": [H, W, C]})]
    return [*before, *_resize((H, W, C), size, layer.interpolation, layer.antialias, before=len(before))]


def _resize(of, size, interpolation, antialias=False, before=0):
    """Images (H, W, C) in another size, after so many other operations."""
    if interpolation == "nearest" or (interpolation == "bilinear" and not antialias):
        rows, columns = (table(of[i], size[i], interpolation) for i in (0, 1))
        return [Operation("resize", {"rows": [t.tolist() for t in rows], "columns": [t.tolist() for t in columns]})]
    (H, W, C), (OH, OW) = of, size
    rows, columns = (
        Operation("source", {"shape": [size[i], of[i]]}, {"value": weights(of[i], size[i], interpolation, antialias)})
        for i in (0, 1)
    )
    return [
        Operation("reshape", {"shape": [H, W * C]}, reads=(before - 1 if before else ~0,)),
        rows._replace(reads=()),
        Operation("matrix_product", {"shape": [OH, W * C]}, reads=(before + 1, before)),
        Operation("reshape", {"shape": [OH, W, C]}),
        columns._replace(reads=()),
        Operation("matrix_product", {"shape": [OH, OW, C]}, reads=(before + 4, before + 3)),
    ]


def _fitted(x, size, interpolation, antialias=False):
    """The largest part with these proportions out of the middle, resized."""
    top, left, height, width = middle(x[1], x[2], size)
    cut = _window(-top, -left, 0.0)
    cut = cut._replace(settings={**cut.settings, "shape": [height, width, x[3]]})
    return [cut, *_resize((height, width, x[3]), size, interpolation, antialias, before=1)]


def _up_sampling(layer, x):
    size = [side * n for side, n in zip(x[1:3], layer.size, strict=True)]
    return _resize(x[1:], size, layer.interpolation)


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
    layers.RandomCrop: _random_crop,
}  # fmt: skip
