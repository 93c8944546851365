"""The networks that are timed. Each is described once, and built from its description in every library.

A description is a list of layers. Two kinds of layers hold lists themselves: `Residual` adds what two lists compute
from the same input, `Concatenate` puts what a list computes behind its input. This file builds a network for minicnn
and Keras, `torch_twin.py` for PyTorch, `contestant_jax.py` for JAX.

All networks end in logits, or in plain numbers. With `dropout=False` libraries can be compared number by number.
"""

from __future__ import annotations

from itertools import count
from typing import NamedTuple


class Workload(NamedTuple):
    """The images (H, W, C) that a network takes, the images per batch, the numbers it computes, and the batches."""

    image: tuple[int, int, int]
    batch: int
    outputs: int
    batches: int
    loss: str = "cross-entropy"  # from logits and classes; or "mean squared error", from numbers


WORKLOADS = {
    "fashion": Workload((28, 28, 1), 32, 10, 60),
    "mlp": Workload((28, 28, 1), 32, 10, 300),
    "mnistcnn": Workload((28, 28, 1), 128, 10, 20),
    "cifar": Workload((32, 32, 3), 32, 10, 30),
    "catdog": Workload((224, 224, 3), 32, 2, 4),
    "lenet": Workload((28, 28, 1), 64, 10, 120),
    "allconv": Workload((32, 32, 3), 64, 10, 12),
    "resnet20": Workload((32, 32, 3), 64, 10, 8),
    "mobilenet": Workload((64, 64, 3), 32, 10, 16),
    "densenet": Workload((32, 32, 3), 64, 10, 8),
    "alexnet": Workload((96, 96, 3), 32, 10, 16),
    "vggbn": Workload((32, 32, 3), 64, 10, 8),
    "autoencoder": Workload((28, 28, 1), 64, 784, 120, "mean squared error"),
    "regression": Workload((32, 32, 1), 128, 1, 24, "mean squared error"),
}
FIRST = ("fashion", "mlp", "mnistcnn", "cifar", "catdog")
"""The networks of `scaling.py` and `gpu.py`: no branches, and a stride of 1 in every convolution."""


class Conv(NamedTuple):
    filters: int
    size: int
    padding: str = "same"
    strides: int = 1
    activation: str | None = "relu"
    bias: bool = True


class Depthwise(NamedTuple):
    """A convolution of each channel by itself, with "same" padding; always before a `Norm`, so without a bias."""

    size: int
    strides: int = 1


class Dense(NamedTuple):
    units: int
    activation: str | None = "relu"


class Pool(NamedTuple):
    """Max pooling or "average" pooling. A window that does not fit into the image is left out."""

    size: int = 2
    strides: int = 2
    kind: str = "max"


class GlobalPool(NamedTuple):
    """Each channel's mean over the whole image."""


class Norm(NamedTuple):
    """Batch normalization."""


class Activation(NamedTuple):
    name: str = "relu"


class Flatten(NamedTuple):
    pass


class Dropout(NamedTuple):
    rate: float


class Residual(NamedTuple):
    """body(x) + shortcut(x). An empty shortcut is x itself."""

    body: list
    shortcut: list


class Concatenate(NamedTuple):
    """The channels of x, then those of body(x)."""

    body: list


def fashion():
    return [Conv(32, 3), Pool(), Conv(64, 3), Pool(), Flatten(), Dense(100), Dropout(0.4), Dense(10, None)]


def mlp():
    return [Flatten(), *(Dense(units) for units in (512, 256, 128, 64)), Dense(10, None)]


def mnistcnn():
    return [Conv(64, 2), Pool(), Conv(128, 2), Pool(), Flatten(), Dense(10, None)]


def cifar():
    made = []
    for filters in (32, 64, 64):
        made += [Conv(filters, 3), Conv(filters, 3), Pool(), Dropout(0.25)]
    return [*made, Flatten(), Dense(128), Dropout(0.5), Dense(10, None)]


def catdog():
    made = []
    for filters in (32, 64, 128):
        made += [Norm(), Conv(filters, 3, "valid"), Pool()]
    return [*made, Flatten(), Dropout(0.5), Dense(2, None)]


def lenet():
    """LeNet-5: LeCun et al. 1998."""
    return [
        Conv(6, 5, activation="tanh"), Pool(kind="average"), Conv(16, 5, "valid", activation="tanh"),
        Pool(kind="average"), Flatten(), Dense(120, "tanh"), Dense(84, "tanh"), Dense(10, None),
    ]  # fmt: skip


def allconv():
    """All-CNN, with fewer filters: Springenberg et al. 2015. Strides shrink the image; the only pool is the last."""
    return [
        Conv(32, 3), Conv(32, 3), Conv(32, 3, strides=2), Conv(64, 3), Conv(64, 3), Conv(64, 3, strides=2),
        Conv(64, 3), Conv(64, 1), Conv(10, 1, activation=None), GlobalPool(),
    ]  # fmt: skip


def normed(filters, size, strides=1):
    """A convolution and batch normalization, which has a bias of its own."""
    return [Conv(filters, size, strides=strides, activation=None, bias=False), Norm()]


def resnet20():
    """ResNet-20 for CIFAR-10, with 1x1 convolutions where a shortcut changes the shape: He et al. 2016."""
    made = [*normed(16, 3), Activation()]
    for filters in (16, 32, 64):
        for block in range(3):
            strides = 2 if block == 0 and filters > 16 else 1
            body = [*normed(filters, 3, strides), Activation(), *normed(filters, 3)]
            made += [Residual(body, normed(filters, 1, strides) if strides > 1 else []), Activation()]
    return [*made, GlobalPool(), Dense(10, None)]


def mobilenet():
    """The first layers of MobileNet: Howard et al. 2017."""
    made = [*normed(32, 3, 2), Activation()]
    for filters, strides in ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1)):
        made += [Depthwise(3, strides), Norm(), Activation(), *normed(filters, 1), Activation()]
    return [*made, GlobalPool(), Dense(10, None)]


def densenet():
    """A small DenseNet, which grows by 12 channels a layer: Huang et al. 2017."""
    made, channels = [Conv(24, 3, activation=None, bias=False)], 24
    for block in range(3):
        if block > 0:
            channels //= 2
            made += [Norm(), Activation(), Conv(channels, 1, activation=None, bias=False), Pool(kind="average")]
        for _ in range(4):
            made.append(Concatenate([Norm(), Activation(), Conv(12, 3, activation=None, bias=False)]))
            channels += 12
    return [*made, Norm(), Activation(), GlobalPool(), Dense(10, None)]


def alexnet():
    """AlexNet for small images, so without its third pool: Krizhevsky et al. 2012."""
    return [
        Conv(64, 11, "valid", 4), Pool(3, 2), Conv(128, 5), Pool(3, 2), Conv(192, 3), Conv(128, 3), Conv(128, 3),
        Flatten(), Dense(512), Dropout(0.5), Dense(10, None),
    ]  # fmt: skip


def vggbn():
    """VGG's blocks with batch normalization: Simonyan and Zisserman 2015."""
    made = []
    for filters in (32, 64, 128):
        made += [*normed(filters, 3), Activation(), *normed(filters, 3), Activation(), Pool()]
    return [*made, GlobalPool(), Dense(10, None)]


def autoencoder():
    return [
        Conv(16, 3, strides=2), Conv(32, 3, strides=2), Flatten(), Dense(64), Dense(256), Dense(784, None)
    ]  # fmt: skip


def regression():
    return [
        Conv(16, 3, activation="elu"), Pool(), Conv(16, 3, activation="elu"), Pool(), Conv(32, 3, activation="elu"),
        Pool(), Flatten(), Dense(64, "elu"), Dense(1, None),
    ]  # fmt: skip


NETWORKS = {
    network.__name__: network
    for network in (
        fashion, mlp, mnistcnn, cifar, catdog, lenet, allconv, resnet20, mobilenet, densenet, alexnet, vggbn,
        autoencoder, regression,
    )
}  # fmt: skip


def layers(name: str, dropout: bool = True) -> list[tuple]:
    """The description of a network."""
    return [layer for layer in NETWORKS[name]() if dropout or not isinstance(layer, Dropout)]


def padded(size: int, window: int, strides: int) -> int:
    """The rows (or columns) of zeros that "same" adds to an image of this size. An odd one goes to the end."""
    return max((-(-size // strides) - 1) * strides + window - size, 0)


def shape_after(layer, shape: tuple) -> tuple:
    """The shape (H, W, C), or (K,), behind a layer without branches."""

    def image(size, strides, padding):
        H, W, _ = shape
        return tuple(-(-(side if padding == "same" else side - size + 1) // strides) for side in (H, W))

    match layer:
        case Conv():
            return *image(layer.size, layer.strides, layer.padding), layer.filters
        case Depthwise(size, strides):
            return *image(size, strides, "same"), shape[2]
        case Pool(size, strides):
            return *image(size, strides, "valid"), shape[2]
        case GlobalPool():
            return (shape[2],)
        case Flatten():
            return (shape[0] * shape[1] * shape[2],)
        case Dense(units):
            return (units,)
    return shape


def keras_model(k, name: str, dropout: bool = True):
    """The network, built with the library k: minicnn or keras."""
    numbers, network, inputs = count(), layers(name, dropout), k.Input(WORKLOADS[name].image)

    def made(layer):
        # The names follow the description. The order of `model.layers` does not, where a network has branches.
        options = {"name": f"layer_{next(numbers):03}"}
        match layer:
            case Conv(filters, size, padding, strides, activation, bias):
                options.update(padding=padding, strides=strides, activation=activation, use_bias=bias)
                return k.layers.Conv2D(filters, size, **options)
            case Depthwise(size, strides):
                return k.layers.DepthwiseConv2D(size, strides, padding="same", use_bias=False, **options)
            case Dense(units, activation):
                return k.layers.Dense(units, activation=activation, **options)
            case Pool(size, strides, "max"):
                return k.layers.MaxPooling2D(size, strides, **options)
            case Pool(size, strides, "average"):
                return k.layers.AveragePooling2D(size, strides, **options)
            case GlobalPool():
                return k.layers.GlobalAveragePooling2D(**options)
            case Norm():
                return k.layers.BatchNormalization(**options)
            case Activation(activation):
                return k.layers.Activation(activation, **options)
            case Flatten():
                return k.layers.Flatten(**options)
            case Dropout(rate):
                return k.layers.Dropout(rate, **options)
            case _:
                raise TypeError(f"No layer is described by {layer!r}.")

    def through(x, network):
        for layer in network:
            match layer:
                case Residual(body, shortcut):
                    x = k.layers.Add()([through(x, body), through(x, shortcut)])
                case Concatenate(body):
                    x = k.layers.Concatenate()([x, through(x, body)])
                case _:
                    x = made(layer)(x)
        return x

    if any(isinstance(layer, (Residual, Concatenate)) for layer in network):
        return k.Model(inputs, through(inputs, network))
    return k.Sequential([inputs, *map(made, network)])


def with_weights(model) -> list:
    """The layers of a Keras model that have weights, in the order of the network's description."""
    return sorted((layer for layer in model.layers if layer.weights), key=lambda layer: layer.name)
