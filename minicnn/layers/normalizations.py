"""Normalizations of each sample by itself, written with functions of `minicnn.ops`, so that their gradients follow."""

from __future__ import annotations

from .. import constraints, initializers, ops, regularizers
from .base import Layer


def _axes(axis):
    """One axis or several as a list."""
    return list(axis) if isinstance(axis, (list, tuple)) else [axis]


def _checked_axis(axis):
    """`axis`; TypeError unless it is an integer or several."""
    if not all(hasattr(one, "__index__") for one in _axes(axis)):
        raise TypeError(f"axis is an integer, or a list of them; received axis={axis!r}.")
    return axis


class _ScaledAndShifted(Layer):
    """A normalization, then times gamma, if `scale`, plus beta, if `center`."""

    def __init__(
        self,
        axis=-1,
        epsilon=1e-3,
        center=True,
        scale=True,
        beta_initializer="zeros",
        gamma_initializer="ones",
        beta_regularizer=None,
        gamma_regularizer=None,
        beta_constraint=None,
        gamma_constraint=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.axis, self.epsilon, self.center, self.scale = _checked_axis(axis), epsilon, bool(center), bool(scale)
        self.beta_initializer, self.gamma_initializer = (
            initializers.get(beta_initializer), initializers.get(gamma_initializer),
        )  # fmt: skip
        self.beta_regularizer, self.gamma_regularizer = (
            regularizers.get(beta_regularizer), regularizers.get(gamma_regularizer),
        )  # fmt: skip
        self.beta_constraint, self.gamma_constraint = (
            constraints.get(beta_constraint),
            constraints.get(gamma_constraint),
        )
        self.gamma = self.beta = None

    @property
    def uses_gamma(self) -> bool:
        """Whether the layer has a weight gamma."""
        return self.scale

    @property
    def uses_beta(self) -> bool:
        """Whether the layer has a weight beta."""
        return self.center

    def add_gamma_and_beta(self, shape):
        """Make the weights, of this shape."""
        for name, used in (("gamma", self.uses_gamma), ("beta", self.uses_beta)):
            if used:
                variable = self.add_weight(
                    shape, getattr(self, f"{name}_initializer"), regularizer=getattr(self, f"{name}_regularizer"),
                    constraint=getattr(self, f"{name}_constraint"), name=name,
                )  # fmt: skip
                setattr(self, name, variable)

    def scaled_and_shifted(self, x, shape):
        """x * gamma + beta, with gamma and beta in this shape."""
        x = x if self.gamma is None else x * ops.reshape(self.gamma, shape)
        return x if self.beta is None else x + ops.reshape(self.beta, shape)


class LayerNormalization(_ScaledAndShifted):
    """Each sample with mean 0 and variance 1 along `axis`: y = gamma * (x - mean) / sqrt(variance + epsilon) + beta.
    rms_scaling: y = gamma * x / sqrt(variance + epsilon), without a beta, as in Keras.

    Source: Ba, Kiros and Hinton, "Layer Normalization", 2016.
    """

    def __init__(
        self,
        axis=-1,
        epsilon=1e-3,
        center=True,
        scale=True,
        beta_initializer="zeros",
        gamma_initializer="ones",
        beta_regularizer=None,
        gamma_regularizer=None,
        beta_constraint=None,
        gamma_constraint=None,
        *,
        rms_scaling=False,
        **kwargs,
    ):
        super().__init__(
            axis, epsilon, center, scale, beta_initializer, gamma_initializer, beta_regularizer, gamma_regularizer,
            beta_constraint, gamma_constraint, **kwargs,
        )  # fmt: skip
        self.rms_scaling = bool(rms_scaling)

    @property
    def uses_gamma(self):
        return self.scale or self.rms_scaling

    @property
    def uses_beta(self):
        return self.center and not self.rms_scaling

    def build(self, input_shape):
        self.add_gamma_and_beta(tuple(input_shape[axis] for axis in sorted(_axes(self.axis))))  # -1 first, as in Keras

    def call(self, inputs):
        axes = sorted(axis % len(inputs.shape) for axis in _axes(self.axis))
        mean, variance = ops.moments(inputs, axes, keepdims=True)
        y = (inputs if self.rms_scaling else inputs - mean) * ops.rsqrt(variance + self.epsilon)
        return self.scaled_and_shifted(y, [size if i in axes else 1 for i, size in enumerate(inputs.shape)])


class GroupNormalization(_ScaledAndShifted):
    """The channels of each sample in groups, each group with mean 0 and variance 1; groups=-1: each channel alone.

    Source: Wu and He, "Group Normalization", 2018.
    """

    def __init__(
        self,
        groups=32,
        axis=-1,
        epsilon=1e-3,
        center=True,
        scale=True,
        beta_initializer="zeros",
        gamma_initializer="ones",
        beta_regularizer=None,
        gamma_regularizer=None,
        beta_constraint=None,
        gamma_constraint=None,
        **kwargs,
    ):
        super().__init__(
            axis, epsilon, center, scale, beta_initializer, gamma_initializer, beta_regularizer, gamma_regularizer,
            beta_constraint, gamma_constraint, **kwargs,
        )  # fmt: skip
        if not isinstance(groups, int) or (groups <= 0 and groups != -1):
            raise ValueError(f"groups must be a positive integer, or -1; received groups={groups!r}.")
        self.groups = groups

    def build(self, input_shape):
        C = input_shape[self.axis]
        groups = C if self.groups == -1 else self.groups
        if C is None or C % groups:
            raise ValueError(
                f"{self.name!r} has {groups} groups, so its channels must be known, and divisible by {groups}; "
                f"received shape {tuple(input_shape)}."
            )
        self.groups = groups
        self.add_gamma_and_beta((C,))

    def call(self, inputs):
        axis = self.axis % len(inputs.shape)
        sizes = list(inputs.shape[1:])
        C = sizes.pop(axis - 1)
        grouped = [-1, *inputs.shape[1:axis], self.groups, C // self.groups, *inputs.shape[axis + 1 :]]
        x = ops.reshape(inputs, grouped)
        mean, variance = ops.moments(x, [i for i in range(1, len(grouped)) if i != axis], keepdims=True)
        y = (x - mean) * ops.rsqrt(variance + self.epsilon)
        y = self.scaled_and_shifted(y, [size if i in (axis, axis + 1) else 1 for i, size in enumerate(grouped)])
        return ops.reshape(y, [-1, *inputs.shape[1:]])


class RMSNormalization(Layer):
    """x / sqrt(mean of squares along `axis` + epsilon), times a weight `scale`.

    Source: Zhang and Sennrich, "Root Mean Square Layer Normalization", 2019.
    """

    def __init__(self, axis=-1, epsilon=1e-6, **kwargs):
        super().__init__(**kwargs)
        self.axis, self.epsilon = axis, epsilon

    def build(self, input_shape):
        axes = sorted(axis % len(input_shape) for axis in _axes(self.axis))
        self.scale = self.add_weight(tuple(input_shape[axis] for axis in axes), "ones", name="scale")

    def call(self, inputs):
        axes = sorted(axis % len(inputs.shape) for axis in _axes(self.axis))
        y = inputs * ops.rsqrt(ops.mean(ops.square(inputs), axes, keepdims=True) + self.epsilon)
        return y * ops.reshape(self.scale, [size if i in axes else 1 for i, size in enumerate(inputs.shape)])


class UnitNormalization(Layer):
    """Each sample's vectors along `axis` divided by their length."""

    def __init__(self, axis=-1, **kwargs):
        super().__init__(**kwargs)
        self.axis = _checked_axis(axis)

    def call(self, inputs):
        return ops.normalize(inputs, _axes(self.axis), epsilon=1e-12)


class SpectralNormalization(Layer):
    """A layer whose kernel is divided by its largest singular value; for the discriminators of GANs.

    In training `power_iterations` steps of the power method bring `vector_u` nearer to the singular vector, and the
    kernel itself is replaced.

    Source: Miyato et al., "Spectral Normalization for Generative Adversarial Networks", 2018.
    """

    def __init__(self, layer, power_iterations=1, **kwargs):
        super().__init__(**kwargs)
        if not isinstance(power_iterations, int) or power_iterations <= 0:
            raise ValueError(f"power_iterations must be a positive integer; received {power_iterations!r}.")
        self.layer, self.power_iterations = layer, power_iterations

    def build(self, input_shape):
        self.layer.build_for(input_shape)
        if getattr(self.layer, "kernel", None) is None:
            raise ValueError(f"{self.name!r} needs a layer with a kernel; {self.layer.name!r} has none.")
        self.kernel = self.layer.kernel  # Keras's files hold it here too
        self.vector_u = self.add_weight(
            (1, self.layer.kernel.shape[-1]),
            initializers.TruncatedNormal(stddev=0.02),
            trainable=False,
            name="vector_u",
        )

    def call(self, inputs, training=None):
        if training:
            kernel = self.kernel
            w = ops.stop_gradient(ops.reshape(kernel, [-1, kernel.shape[-1]]))
            u = ops.stop_gradient(self.vector_u)
            for _ in range(self.power_iterations):
                v = ops.normalize(ops.matmul(u, ops.transpose(w)))
                u = ops.normalize(ops.matmul(v, w))
            sigma = ops.matmul(ops.matmul(v, w), ops.transpose(u))
            self.vector_u.assign(u)
            kernel.assign(kernel / ops.reshape(sigma, [1] * len(kernel.shape)))
        return self.layer(inputs)
