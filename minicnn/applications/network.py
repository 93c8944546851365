"""What all known networks share: their function's arguments, an input of a checked shape, an end, and weights."""

from __future__ import annotations

import os

from .. import layers
from ..models import Model
from ..symbol import Symbol
from .files import keras_file


def mean_top(x: Symbol) -> Symbol:
    """What most networks have between the last feature maps and the last dense layer: the mean of each map."""
    return layers.GlobalAveragePooling2D(name="avg_pool")(x)


def known(
    title,
    kind,
    features,
    file_of,
    channels,
    top=mean_top,
    pool_names=(None, None),
    size=224,
    smallest=32,
    input_is="prepared by `preprocess_input`",
    dense=None,
):
    """The function `title` that makes the network named `kind`, with the arguments that most of Keras's have.

    features(x, weights) computes the last feature maps, of so many channels; top(x) follows before the last dense
    layer; file_of(include_top) gives (file, host, checksum) of ImageNet's weights. size: of the images with top;
    smallest: the least size; dense: more arguments of the last layer.
    """

    def make(
        include_top=True,
        weights="imagenet",
        input_tensor=None,
        input_shape=None,
        pooling=None,
        classes=1000,
        classifier_activation="softmax",
        name=kind,
    ) -> Model:
        start = image_input(input_shape, input_tensor, include_top, weights, classes, size, smallest)
        x = features(start, weights)
        if include_top:
            x = classified(top(x), classes, classifier_activation, weights, **(dense or {}))
        else:
            x = pooled(x, pooling, pool_names)
        return finished(start, x, name, weights, *file_of(include_top))

    make.__name__ = make.__qualname__ = title
    make.__doc__ = f"""{title} for images (H, W, 3), {input_is}; ({size}, {size}, 3) with its top.

    weights: "imagenet", None for random ones, or a file. Without the top the outputs are (N, H/32, W/32, {channels}),
    or with pooling "avg" or "max" (N, {channels}).
    """
    return make


def image_input(input_shape, input_tensor, include_top, weights, classes, default_size=224, smallest=32) -> Symbol:
    """Check all arguments, and return the symbol of the network's input (H, W, C). smallest: the least H and W."""
    if not (weights is None or weights == "imagenet" or os.path.exists(weights)):
        raise ValueError(
            f'weights must be None (drawn at random), "imagenet", or an existing file; received weights={weights!r}.'
        )
    if weights == "imagenet" and include_top and classes != 1000:
        raise ValueError(f'weights="imagenet" with include_top=True needs classes=1000; received classes={classes}.')
    if input_tensor is not None:
        if not isinstance(input_tensor, Symbol):
            raise ValueError(f"input_tensor must be a symbol, for example from Input; received {input_tensor!r}.")
        return input_tensor
    trained_on = (default_size, default_size, 3)
    if weights == "imagenet" and include_top and input_shape is not None and tuple(input_shape) != trained_on:
        raise ValueError(
            f'weights="imagenet" with include_top=True needs input_shape={trained_on}; received '
            f"input_shape={input_shape!r}."
        )
    if input_shape is None:
        return layers.Input(trained_on if include_top else (None, None, 3))
    shape = tuple(input_shape)
    if len(shape) != 3 or (weights == "imagenet" and shape[2] != 3):
        raise ValueError(f"input_shape is (H, W, 3) for images; received input_shape={input_shape!r}.")
    if any(size is not None and size < smallest for size in shape[:2]):
        raise ValueError(f"Images must have at least {smallest} pixels a side; received input_shape={input_shape!r}.")
    if include_top and None in shape:
        raise ValueError(f"With include_top all sizes must be known; received input_shape={input_shape!r}.")
    return layers.Input(shape)


def pooled(x: Symbol, pooling, names=(None, None)) -> Symbol:
    """The network's end without a top: x itself, or its global "avg" or "max" pooling."""
    if pooling not in (None, "avg", "max"):
        raise ValueError(f'pooling must be None, "avg" or "max"; received pooling={pooling!r}.')
    if pooling is None:
        return x
    layer = layers.GlobalAveragePooling2D if pooling == "avg" else layers.GlobalMaxPooling2D
    return layer(name=names[pooling == "max"])(x)


def check_top(activation, weights) -> None:
    """ValueError if ImageNet's weights cannot end in this activation."""
    if weights == "imagenet" and activation not in (None, "softmax"):
        raise ValueError(
            f'weights="imagenet" needs the activation "softmax", or None for logits; received {activation!r}.'
        )


def classified(x: Symbol, classes, activation, weights, name="predictions", **arguments) -> Symbol:
    """The last dense layer of a top, applied to x."""
    check_top(activation, weights)
    return layers.Dense(classes, activation=activation, name=name, **arguments)(x)


def before_stride_2(sizes, kernel_size=3) -> tuple:
    """The padding before a window with stride 2: half a kernel on each side, but one less at the start of an even or
    unknown size."""
    half = kernel_size // 2
    return tuple((half - (size is None or size % 2 == 0), half) for size in sizes)


def eights(channels) -> int:
    """The multiple of 8 nearest to `channels`, at least 8, but not more than a tenth below `channels`."""
    nearest = max(8, int(channels + 4) // 8 * 8)
    return nearest + 8 if nearest < 0.9 * channels else nearest


def finished(start: Symbol, end: Symbol, name, weights, file, host, md5) -> Model:
    """The network from start to end, with its weights. ImageNet's weights are in `file`, downloaded from `host`."""
    model = Model(_sources(start), end, name=name)
    if weights == "imagenet":
        model.load_weights(keras_file(file, host, md5))
    elif weights is not None:
        model.load_weights(weights)
    return model


def _sources(symbol):
    """The inputs that a symbol is computed from."""
    waiting, seen, found = [symbol], set(), []
    while waiting:
        symbol = waiting.pop()
        if id(symbol) not in seen:
            seen.add(id(symbol))
            waiting += reversed(symbol.node.inputs)
            found += [] if symbol.node.inputs else [symbol]
    return found
