"""clone_model and its functions, beside Keras."""

from __future__ import annotations

import numpy as np
import pytest
from helpers import assert_close, normal

import minicnn
from minicnn.models import clone_model

X = normal(5, 4, dtype=np.float32)


def _graph(k):
    inputs = k.Input((4,), name="x")
    first = k.layers.Dense(3, activation="relu", name="first")
    y = k.layers.Dense(4, name="back")(first(inputs))
    y = k.layers.Add(name="sum")([k.ops.exp(y * 0.5), inputs])
    return k.Model(inputs, first(y), name="graph")


def _row(k):
    row = k.Sequential([k.Input((4,)), k.layers.Dense(3, name="d"), k.layers.Dense(2, name="e")], name="row")
    return k.Sequential([k.Input((4,)), row, k.layers.Dense(2, name="f")], name="outer")


def _nested(k):
    inputs = k.Input((4,), name="x")
    inner = {"b": k.Input((4,), name="b"), "a": k.Input((4,), name="a")}
    mixed = k.layers.Dense(3, name="one")(inner["a"] + 2 * inner["b"])
    part = k.Model(inner, {"u": mixed, "t": k.layers.Dense(2, name="two")(mixed)}, name="part")
    made = part({"a": inputs, "b": k.ops.tanh(inputs)})
    return k.Model(inputs, k.layers.Concatenate(name="c")([made["u"], made["t"]]), name="whole")


MODELS = {"graph": _graph, "row": _row, "nested": _nested}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("recursive", [False, True])
def test_layers_of_a_function(tf, name, recursive):
    calls = {}
    for k in (minicnn, tf.keras):
        model, seen = MODELS[name](k), []

        def again(layer, seen=seen):
            seen.append(layer.name)
            return type(layer).from_config(layer.get_config())

        clone = k.models.clone_model(model, clone_function=again, recursive=recursive)
        clone.set_weights(model.get_weights())
        assert_close(np.asarray(clone(X)), np.asarray(model(X)), 1e-6)
        assert not {id(v) for v in clone.weights} & {id(v) for v in model.weights}
        calls[k.__name__], names = seen, [layer.name for layer in model.layers]
        assert [layer.name for layer in clone.layers] == names
    ours, theirs = calls.values()
    assert sorted(ours) == sorted(n for n in theirs if n in ours) and len(ours) == len(set(ours)), "each layer once"


@pytest.mark.parametrize("name", MODELS)
def test_the_same_layers_share_their_weights(tf, name):
    model = MODELS[name](minicnn)
    clone = clone_model(model, clone_function=lambda layer: layer)
    assert [id(v) for v in clone.weights] == [id(v) for v in model.weights]
    np.testing.assert_array_equal(clone(X), model(X))


def test_a_function_that_calls_adds_layers(tf):
    found = []
    for k in (minicnn, tf.keras):

        def with_noise(layer, *args, k=k, **kwargs):
            made = layer(*args, **kwargs)
            return k.layers.Dropout(0.5)(made) if isinstance(layer, k.layers.Dense) else made

        options = {"clone_function": lambda layer: layer, "call_function": with_noise}
        model, nested = _graph(k), _nested(k)
        clone = k.models.clone_model(model, **options)
        assert_close(np.asarray(clone(X)), np.asarray(model(X)), 1e-6)
        inner = k.models.clone_model(nested, recursive=True, **options).get_layer("part")
        found.append([[type(layer).__name__ for layer in m.layers] for m in (clone, inner)])
        with pytest.raises(ValueError, match="call"):
            k.models.clone_model(_row(k), call_function=with_noise)
    assert [sorted(n for n in names if n in ("Dense", "Dropout")) for names in found[0]] == [
        sorted(n for n in names if n in ("Dense", "Dropout")) for names in found[1]
    ]


def test_given_inputs(tf):
    for k in (minicnn, tf.keras):
        for name, make in MODELS.items():
            model, given = make(k), k.Input((4,), name=f"given_{name}")
            clone = k.models.clone_model(model, input_tensors=given)
            assert clone.inputs[0] is given and clone.count_params() == model.count_params()
        part = _nested(k).get_layer("part")
        given = {"a": k.Input((4,)), "b": k.Input((4,))}
        clone = k.models.clone_model(part, input_tensors=given)
        assert clone.input["a"] is given["a"] and set(clone.output) == {"t", "u"}
        with pytest.raises(ValueError, match="input_tensors"):
            k.models.clone_model(part, input_tensors=list(given.values()))


def test_a_clone_is_compiled_as_the_model(tf):
    for k in (minicnn, tf.keras):
        for make in (_graph, _row):
            model = make(k)
            assert not k.models.clone_model(model).compiled
            model.compile(k.optimizers.SGD(0.25, momentum=0.5), "mse", metrics=["mae"])
            clone = k.models.clone_model(model)
            assert clone.compiled and clone.optimizer is not model.optimizer
            assert clone.optimizer.get_config() == model.optimizer.get_config()
            clone.set_weights(model.get_weights())
            y = np.ones((5, *model.output_shape[1:]), np.float32)
            assert_close(clone.evaluate(X, y, verbose=0), model.evaluate(X, y, verbose=0), 1e-6)


def test_a_model_that_defines_call_has_no_layers_to_give():
    class Own(minicnn.Model):
        def __init__(self):
            super().__init__()
            self.dense = minicnn.layers.Dense(2)

        def call(self, inputs):
            return self.dense(inputs)

    with pytest.raises(ValueError, match="defines call, so its layers are not known"):
        clone_model(Own(), clone_function=lambda layer: layer)
