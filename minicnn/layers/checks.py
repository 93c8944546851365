"""Checks of what layers receive: arguments of their constructors, and shapes of inputs."""

from __future__ import annotations


def checked_shape(shape, name: str) -> tuple:
    """A shape without its batch axis as a tuple of positive integers and None; ValueError otherwise."""
    shape = (shape,) if not isinstance(shape, (tuple, list)) else tuple(shape)
    for size in shape:
        if size is not None and not (hasattr(size, "__index__") and int(size) > 0):
            raise ValueError(f"{name} must hold positive integers (or None); received {name}={shape!r}.")
    return tuple(None if size is None else int(size) for size in shape)


def checked_choice(value, choices, name: str):
    """`value` in lower case if it is one of `choices`; ValueError otherwise."""
    lowered = value.lower() if isinstance(value, str) else value
    if lowered not in choices:
        raise ValueError(f"{name} must be one of {', '.join(repr(c) for c in choices)}; received {name}={value!r}.")
    return lowered


def check_sizes(layer, input_shape) -> None:
    """ValueError unless a shape has the axes that the layer takes. Sizes, also in a list of shapes, must not be 0."""
    if layer.rank is not None and len(input_shape) != layer.rank:
        axes = {4: "(N, H, W, C)", 2: "(N, features)"}.get(layer.rank, f"{layer.rank} axes")
        raise ValueError(
            f"{layer.name!r} ({type(layer).__name__}) takes inputs of shape {axes}; "
            f"received shape {tuple(input_shape)}."
        )
    if any(0 in tuple(shape)[1:] for shape in (input_shape if isinstance(input_shape, list) else [input_shape])):
        raise ValueError(f"{layer.name!r} takes inputs of positive sizes; received shape {tuple(input_shape)}.")
