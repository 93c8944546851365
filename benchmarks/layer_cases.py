"""The layers that `layers.py` times: each as a minicnn layer, and as a function in PyTorch with the same weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

IMAGES = ((64, 32, 32, 32), (16, 28, 28, 64), (32, 14, 14, 128))  # (N, H, W, C)
FIRST = ((64, 28, 28, 1), (32, 32, 32, 3), (8, 96, 96, 4))
WIDE = ((32, 14, 14, 256), (64, 7, 7, 512), (16, 28, 28, 128))
ROWS = ((32, 784), (128, 2304), (256, 512))


class Case(NamedTuple):
    """make(k) is the layer; in_torch(torch, weights) a function of (N, C, H, W) or rows; flops counts for one row of y.

    exact: whether the two must agree; random layers cannot. inputs: how many inputs of the same shape there are.
    """

    shapes: tuple
    make: Callable
    in_torch: Callable
    flops_per_y: Callable = lambda shape: 0
    exact: bool = True
    inputs: int = 1


def _activation(name, function):
    return Case(IMAGES, lambda k: k.layers.Activation(name), lambda torch, weights: function(torch))


def _convolution(shapes, filters, size, padding="same", strides=1, dilation=1, groups=1, activation=None):
    def make(k):
        return k.layers.Conv2D(
            filters, size, strides, padding, dilation_rate=dilation, groups=groups, activation=activation
        )

    def in_torch(torch, weights):
        kernel = weights[0].transpose(3, 2, 0, 1)
        return _torch_convolution(torch, kernel, weights[1], padding, strides, dilation, groups, activation)

    return Case(shapes, make, in_torch, lambda shape: 2 * size * size * shape[-1] // groups)


def _depthwise(size, strides=1, dilation=1, activation=None, shapes=IMAGES):
    def make(k):
        return k.layers.DepthwiseConv2D(size, strides, "same", dilation_rate=dilation, activation=activation)

    def in_torch(torch, weights):
        kernel = weights[0].transpose(2, 3, 0, 1)  # (KH, KW, C, 1) -> (C, 1, KH, KW)
        groups = kernel.shape[0]
        return _torch_convolution(torch, kernel, weights[1], "same", strides, dilation, groups, activation)

    return Case(shapes, make, in_torch, lambda shape: 2 * size * size)


def _separable(filters, size):
    def in_torch(torch, weights):
        depthwise, pointwise, bias = weights
        depthwise, pointwise = depthwise.transpose(2, 3, 0, 1), pointwise.transpose(3, 2, 0, 1)
        first = _torch_convolution(torch, depthwise, None, "same", 1, 1, depthwise.shape[0], None)
        second = _torch_convolution(torch, pointwise, bias, "same", 1, 1, 1, None)
        run = lambda x: second(first(x))  # noqa: E731
        run.weights = [*first.weights, *second.weights]
        return run

    products = lambda shape: 2 * shape[-1] * (1 + size * size / filters)  # noqa: E731
    return Case(IMAGES, lambda k: k.layers.SeparableConv2D(filters, size, padding="same"), in_torch, products)


def _transposed(filters):
    """A 4x4 kernel with strides of 2, as generators have it: the image grows to twice its size."""

    def in_torch(torch, weights):
        kernel = torch.from_numpy(weights[0].transpose(3, 2, 0, 1).copy()).requires_grad_()  # (C, F, KH, KW)
        bias = torch.from_numpy(weights[1]).requires_grad_()
        run = lambda x: torch.nn.functional.conv_transpose2d(x, kernel, bias, stride=2, padding=1)  # noqa: E731
        run.weights = [kernel, bias]
        return run

    make = lambda k: k.layers.Conv2DTranspose(filters, 4, 2, padding="same")  # noqa: E731
    return Case(IMAGES, make, in_torch, lambda shape: 2 * 4 * shape[-1])


def _torch_convolution(torch, kernel, bias, padding, strides, dilation, groups, activation):
    functional = torch.nn.functional
    weights = [torch.from_numpy(array.copy()).requires_grad_() for array in (kernel, bias) if array is not None]
    kernel, bias = weights if bias is not None else (*weights, None)
    reach = (kernel.shape[2] - 1) * dilation + 1

    def run(x):
        margins = [0, 0, 0, 0]
        if padding == "same":
            for axis, size in enumerate((x.shape[3], x.shape[2])):
                total = max((-(-size // strides) - 1) * strides + reach - size, 0)
                margins[2 * axis : 2 * axis + 2] = total // 2, total - total // 2
        even = margins[0] == margins[1] and margins[2] == margins[3]
        x, border = (x, (margins[2], margins[0])) if even else (functional.pad(x, margins), 0)
        y = functional.conv2d(x, kernel, bias, strides, border, dilation, groups)
        return functional.relu(y) if activation else y

    run.weights = weights
    return run


def _pooling(kind, size, strides=None):
    layer = {"max": "MaxPooling2D", "average": "AveragePooling2D"}[kind]

    def in_torch(torch, weights):
        function = {"max": torch.nn.functional.max_pool2d, "average": torch.nn.functional.avg_pool2d}[kind]
        return lambda x: function(x, size, strides)

    return Case(IMAGES, lambda k: getattr(k.layers, layer)(size, strides), in_torch)


def _dense(units):
    def in_torch(torch, weights):
        kernel, bias = (torch.from_numpy(array.copy()).requires_grad_() for array in (weights[0].T, weights[1]))
        run = lambda x: torch.nn.functional.linear(x, kernel, bias)  # noqa: E731
        run.weights = [kernel, bias]
        return run

    return Case(ROWS, lambda k: k.layers.Dense(units), in_torch, lambda shape: 2 * shape[-1])


def _batch_norm():
    def in_torch(torch, weights):
        gamma, beta, mean, variance = (torch.from_numpy(array.copy()) for array in weights)
        gamma, beta = gamma.requires_grad_(), beta.requires_grad_()

        def run(x):
            training = torch.is_grad_enabled()
            return torch.nn.functional.batch_norm(x, mean, variance, gamma, beta, training, 0.01, 1e-3)

        run.weights = [gamma, beta]
        return run

    return Case(IMAGES, lambda k: k.layers.BatchNormalization(), in_torch)


def _merge(layer, function):
    return Case(IMAGES, lambda k: getattr(k.layers, layer)(), lambda torch, weights: function(torch), inputs=2)


CASES = {
    "relu": _activation("relu", lambda torch: torch.relu),
    "leaky_relu": _activation("leaky_relu", lambda torch: lambda x: torch.nn.functional.leaky_relu(x, 0.2)),
    "elu": _activation("elu", lambda torch: torch.nn.functional.elu),
    "selu": _activation("selu", lambda torch: torch.selu),
    "relu6": _activation("relu6", lambda torch: torch.nn.functional.relu6),
    "sigmoid": _activation("sigmoid", lambda torch: torch.sigmoid),
    "tanh": _activation("tanh", lambda torch: torch.tanh),
    "softplus": _activation("softplus", lambda torch: torch.nn.functional.softplus),
    "softsign": _activation("softsign", lambda torch: torch.nn.functional.softsign),
    "swish": _activation("swish", lambda torch: torch.nn.functional.silu),
    "gelu": _activation("gelu", lambda torch: torch.nn.functional.gelu),
    "mish": _activation("mish", lambda torch: torch.nn.functional.mish),
    "exponential": _activation("exponential", lambda torch: torch.exp),
    "hard_sigmoid": _activation("hard_sigmoid", lambda torch: torch.nn.functional.hardsigmoid),
    "hard_swish": _activation("hard_swish", lambda torch: torch.nn.functional.hardswish),
    "softmax": Case(
        ((128, 10), (32, 1000), (64, 14, 14, 32)),
        lambda k: k.layers.Softmax(),
        lambda torch, weights: lambda x: torch.softmax(x, 1),
    ),
    "conv 3x3": _convolution(IMAGES, 64, 3),
    "conv 3x3 relu": _convolution(IMAGES, 64, 3, activation="relu"),
    "conv 5x5": _convolution(IMAGES, 32, 5),
    "conv 3x3 stride 2": _convolution(IMAGES, 64, 3, strides=2),
    "conv 1x1": _convolution(IMAGES, 64, 1),
    "conv 1x1 wide": _convolution(WIDE, 256, 1),
    "conv 1x1 stride 2": _convolution(IMAGES, 64, 1, strides=2),
    "conv 3x3 dilated": _convolution(IMAGES, 32, 3, dilation=2),
    "conv 3x3, 4 groups": _convolution(IMAGES, 64, 3, groups=4),
    "conv 3x3, first layer": _convolution(FIRST, 16, 3),
    "conv 5x5 to 6, first layer": _convolution(FIRST, 6, 5, padding="valid"),
    "conv 11x11 stride 4": _convolution(((8, 96, 96, 3), (4, 128, 128, 3), (8, 64, 64, 3)), 64, 11, "valid", 4),
    "conv 3x3 to 1 filter": _convolution(IMAGES, 1, 3),
    "depthwise 3x3": _depthwise(3),
    "depthwise 3x3 stride 2": _depthwise(3, 2),
    "depthwise 5x5": _depthwise(5),
    "depthwise 3x3 relu": _depthwise(3, activation="relu"),
    "depthwise 3x3 dilated": _depthwise(3, dilation=2),
    "separable 3x3": _separable(64, 3),
    "transposed 4x4, strides of 2": _transposed(64),
    "max pool 2x2": _pooling("max", 2),
    "max pool 3x3 stride 2": _pooling("max", 3, 2),
    "average pool 2x2": _pooling("average", 2),
    "average pool 3x3 stride 2": _pooling("average", 3, 2),
    "global average pool": Case(
        IMAGES, lambda k: k.layers.GlobalAveragePooling2D(), lambda torch, weights: lambda x: x.mean((2, 3))
    ),
    "global max pool": Case(
        IMAGES, lambda k: k.layers.GlobalMaxPooling2D(), lambda torch, weights: lambda x: x.amax((2, 3))
    ),
    "dense 10": _dense(10),
    "dense 128": _dense(128),
    "dense 1000": _dense(1000),
    "batch norm": _batch_norm(),
    "dropout": Case(
        IMAGES,
        lambda k: k.layers.Dropout(0.4),
        lambda torch, weights: lambda x: torch.nn.functional.dropout(x, 0.4, torch.is_grad_enabled()),
        exact=False,
    ),
    "gaussian noise": Case(
        IMAGES,
        lambda k: k.layers.GaussianNoise(0.1),
        lambda torch, weights: lambda x: x + 0.1 * torch.randn_like(x) if torch.is_grad_enabled() else x,
        exact=False,
    ),
    "add": _merge("Add", lambda torch: lambda a, b: a + b),
    "multiply": _merge("Multiply", lambda torch: lambda a, b: a * b),
    "subtract": _merge("Subtract", lambda torch: lambda a, b: a - b),
    "average": _merge("Average", lambda torch: lambda a, b: (a + b) / 2),
    "minimum": _merge("Minimum", lambda torch: torch.minimum),
    "maximum": _merge("Maximum", lambda torch: torch.maximum),
    "concatenate": _merge("Concatenate", lambda torch: lambda a, b: torch.cat([a, b], 1)),
    "zero padding": Case(
        IMAGES,
        lambda k: k.layers.ZeroPadding2D(1),
        lambda torch, weights: lambda x: torch.nn.functional.pad(x, [1] * 4),
    ),
    "cropping": Case(
        IMAGES, lambda k: k.layers.Cropping2D(1), lambda torch, weights: lambda x: x[:, :, 1:-1, 1:-1].contiguous()
    ),
    "up sampling": Case(
        IMAGES,
        lambda k: k.layers.UpSampling2D(2),
        lambda torch, weights: lambda x: torch.nn.functional.interpolate(x, scale_factor=2),
    ),
    "up sampling, bilinear": Case(
        IMAGES,
        lambda k: k.layers.UpSampling2D(2, interpolation="bilinear"),
        lambda torch, weights: lambda x: torch.nn.functional.interpolate(x, scale_factor=2, mode="bilinear"),
    ),
    "rescaling": Case(IMAGES, lambda k: k.layers.Rescaling(0.5, 1.0), lambda torch, weights: lambda x: x * 0.5 + 1.0),
}  # fmt: skip
