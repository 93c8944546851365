"""What a user's layer demands of its inputs: `self.input_spec = InputSpec(ndim=4, axes={-1: 3})`."""

from __future__ import annotations


class InputSpec:
    """The number of axes of an input (ndim, or from min_ndim to max_ndim), its whole shape (None for any size), or the
    sizes of single axes: {axis: size}."""

    def __init__(
        self, dtype=None, shape=None, ndim=None, max_ndim=None, min_ndim=None, axes=None, allow_last_axis_squeeze=False,
        name=None, optional=False,
    ):  # fmt: skip
        self.dtype, self.shape, self.name, self.optional = (
            dtype,
            None if shape is None else tuple(shape),
            name,
            optional,
        )
        self.ndim = len(self.shape) if self.shape is not None else ndim
        self.max_ndim, self.min_ndim, self.axes = max_ndim, min_ndim, {int(a): n for a, n in (axes or {}).items()}
        self.allow_last_axis_squeeze = allow_last_axis_squeeze

    def __repr__(self):
        set_ones = {key: value for key, value in vars(self).items() if value not in (None, False, {})}
        return f"InputSpec({', '.join(f'{key}={value}' for key, value in set_ones.items())})"

    def fits(self, shape) -> bool:
        """Whether an input of this shape is what is demanded; a size that is not known fits."""
        count = len(shape)
        if self.allow_last_axis_squeeze and self.shape is not None and shape and shape[-1] == 1:
            count -= self.ndim == count - 1
        if (self.ndim not in (None, count)) or count < (self.min_ndim or 0) or count > (self.max_ndim or count):
            return False
        sizes = {**dict(enumerate(self.shape or ())), **self.axes}
        if any(not -len(shape) <= axis < len(shape) for axis in self.axes):
            return False
        wanted = [(size, shape[axis]) for axis, size in sizes.items() if axis < len(shape)]
        return all(size is None or found is None or size == found for size, found in wanted)


def check_spec(layer, shapes) -> None:
    """ValueError unless inputs of these shapes are what the layer's `input_spec` demands."""
    specs = layer.input_spec if isinstance(layer.input_spec, (list, tuple)) else [layer.input_spec]
    if len(specs) != len(shapes):
        raise ValueError(f"{layer.name!r} takes {len(specs)} inputs; received {len(shapes)}.")
    for spec, shape in zip(specs, shapes, strict=True):
        if spec is not None and not spec.fits(tuple(shape)):
            raise ValueError(f"{layer.name!r} takes inputs of {spec}; received shape {tuple(shape)}.")
