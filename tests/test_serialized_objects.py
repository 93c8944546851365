"""`serialize_keras_object`: single objects as Keras's JSON, and layers of layers in files, beside Keras."""

import importlib
import json

import numpy as np
import pytest

import minicnn
from minicnn import saving

VALUES = {
    "numbers": [3, 1.5, True, None, "text"],
    "nested": {"a": [1, (2, 3)], "b": {"c": "d"}},
    "numpy": np.float32(3),
    "array": np.arange(3.0),
    "slice": slice(1, None, 2),
    "ellipsis": ...,
}


@pytest.fixture
def keras(tf):
    return importlib.import_module("keras")


@pytest.mark.parametrize("name", VALUES)
def test_values_are_keras_s_and_come_back(name, keras):
    value = VALUES[name]
    described = saving.serialize_keras_object(value)
    assert described == keras.saving.serialize_keras_object(value)
    np.testing.assert_equal(
        saving.deserialize_keras_object(described), keras.saving.deserialize_keras_object(described)
    )


@pytest.mark.parametrize("make", [
    lambda k: k.initializers.Zeros(),
    lambda k: k.activations.relu,
    lambda k: k.losses.mean_squared_error,
    lambda k: k.layers.Dense(2, activation="tanh", name="d"),
    lambda k: [k.layers.ReLU(name="r"), {"loss": k.losses.BinaryCrossentropy(label_smoothing=0.5)}],
    lambda k: k.optimizers.SGD(0.5, momentum=0.25, name="own"),
])  # fmt: skip
def test_objects_cross_over(make, keras):
    """What one library describes, the other makes; described again it is the same text."""
    theirs = keras.saving.serialize_keras_object(make(keras))
    made = saving.deserialize_keras_object(theirs)
    ours = json.loads(json.dumps(saving.serialize_keras_object(made)))
    keras.saving.deserialize_keras_object(ours)
    assert saving.serialize_keras_object(saving.deserialize_keras_object(ours)) == ours
    assert ours == saving.serialize_keras_object(make(minicnn))


def block(k):
    """A class for library k whose configuration holds layers and a function, as Keras's guides write it."""

    @k.saving.register_keras_serializable("guides", "Block")
    class Block(k.layers.Layer):
        def __init__(self, first, more, activation, **kwargs):
            super().__init__(**kwargs)
            self.first, self.more, self.activation = first, list(more), activation

        def call(self, x):
            x = self.first(x)
            for layer in self.more:
                x = layer(x)
            return self.activation(x)

        def get_config(self):
            described = k.saving.serialize_keras_object
            own = {"first": self.first, "more": self.more, "activation": self.activation}
            return {**super().get_config(), **{name: described(value) for name, value in own.items()}}

        @classmethod
        def from_config(cls, config):
            made = k.saving.deserialize_keras_object
            own = {name: made(config.pop(name)) for name in ("first", "more", "activation")}
            return cls(**own, **config)

    layer = Block(k.layers.Dense(3), [k.layers.Dense(4), k.layers.ReLU()], k.activations.tanh, name="block")
    return k.Sequential([k.Input((8,)), layer])


def test_layers_of_layers_in_files(tmp_path, keras):
    x = np.random.default_rng(0).normal(size=(2, 8)).astype(np.float32)
    models = {k: block(k) for k in (minicnn, keras)}
    for writer, reader in ((minicnn, minicnn), (minicnn, keras), (keras, minicnn)):
        models[writer].save(tmp_path / "block.keras")
        read = reader.models.load_model(tmp_path / "block.keras")
        np.testing.assert_allclose(np.asarray(read(x)), np.asarray(models[writer](x)), rtol=1e-5, atol=1e-6)


def test_registered_names(keras):
    for k in (minicnn, keras):
        registered = type(block(k).layers[0])
        assert k.saving.get_registered_name(registered) == "guides>Block"
        assert k.saving.get_registered_object("guides>Block") is registered
        assert k.utils.get_registered_object("unknown") is None
        k.utils.get_custom_objects()["twice"] = twice = lambda x: x * 2
        assert k.saving.get_registered_object("twice") is twice
        del k.utils.get_custom_objects()["twice"]


def test_what_no_file_can_hold():
    with pytest.raises(ValueError, match="No file can hold <function"):
        saving.serialize_keras_object(lambda x: x)
    with pytest.raises(ValueError, match="'nobody' is not known: give your own one as custom_objects"):
        saving.deserialize_keras_object({"class_name": "function", "config": "nobody"})
    with pytest.raises(ValueError, match="holds a 'N'"):
        saving.deserialize_keras_object({"module": None, "class_name": "Nobody", "config": {}, "registered_name": "N"})
