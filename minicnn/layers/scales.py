"""Two small layers of known networks (`applications`). They have Keras's names, as Keras keeps them in files."""

from __future__ import annotations

from ..initializers import Constant
from .base import Layer, registry


@registry.add()
class LayerScale(Layer):
    """Multiplies each of the `projection_dim` channels by a weight of its own, which begins as `init_values`."""

    module_in_files = "keras.src.applications.convnext"

    def __init__(self, init_values, projection_dim, **kwargs):
        super().__init__(**kwargs)
        self.init_values, self.projection_dim = init_values, projection_dim

    def build(self, input_shape):
        self.gamma = self.add_weight((self.projection_dim,), Constant(self.init_values), name="gamma")

    def call(self, x):
        return x * self.gamma


@registry.add()
class CustomScaleLayer(Layer):
    """The first input plus `scale` times the second."""

    module_in_files = "keras.src.applications.inception_resnet_v2"

    def __init__(self, scale, **kwargs):
        super().__init__(**kwargs)
        self.scale = scale

    def call(self, inputs):
        return inputs[0] + inputs[1] * self.scale
