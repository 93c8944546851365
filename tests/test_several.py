"""Models with several inputs and outputs, nested models, and arithmetic with symbols, compared with Keras."""

from __future__ import annotations

import numpy as np
import pytest
from helpers import assert_close, labels, normal

import minicnn
from minicnn import layers, utils
from minicnn.symbol import Symbol

N = 20


def two_and_two(k, keys=False):
    """A model from an image and a row of numbers to classes and a number, with arithmetic between the layers."""
    image, row = k.Input((8, 6, 3), name="image"), k.Input((4,), name="row")
    h = (image[..., ::-1] * 2.0 - np.array([0.5, 1.0, 1.5], np.float32)) / 3.0
    h = k.layers.Conv2D(4, 3, padding="same", activation="relu")(h)
    h = k.layers.MaxPooling2D(2)(h)
    h = k.layers.Flatten()(h)
    h = k.layers.Concatenate()([h, 1.0 - row])
    classes = k.layers.Dense(3, activation="softmax", name="classes")(h)
    number = k.layers.Dense(1, name="number")(h) + k.layers.Dense(1, name="other")(row)
    number = k.layers.Activation("linear", name="sum")(number)
    if keys:
        return k.Model({"image": image, "row": row}, {"classes": classes, "sum": number})
    return k.Model([image, row], [classes, number])


def data():
    x = [normal(N, 8, 6, 3, dtype=np.float32), normal(N, 4, seed=1, dtype=np.float32)]
    return x, [labels(N, classes=3), normal(N, 1, seed=2, dtype=np.float32)]


def pair(tf, build, **options):
    ours, theirs = build(minicnn, **options), build(tf.keras, **options)
    weights = [0.4 * normal(*w.shape, seed=i, dtype=np.float32) for i, w in enumerate(theirs.weights)]
    weights = [np.abs(v) if "variance" in w.name else v for v, w in zip(weights, theirs.weights, strict=True)]
    ours.set_weights(weights)
    theirs.set_weights(weights)
    return ours, theirs


COMPILED = {
    "one loss for all": {"loss": "mse"},
    "lists": {"loss": ["sparse_categorical_crossentropy", "mse"], "metrics": [["accuracy"], ["mae", "mse"]]},
    "weights": {"loss": ["sparse_categorical_crossentropy", "mae"], "loss_weights": [0.25, 2.0]},
    "dictionaries": {
        "loss": {"classes": "sparse_categorical_crossentropy", "sum": "mse"},
        "loss_weights": {"classes": 1.0, "sum": 0.5}, "metrics": {"sum": ["mae"]},
        "weighted_metrics": {"classes": ["accuracy"], "sum": "mae"},
    },
    "one output without a loss": {"loss": ["sparse_categorical_crossentropy", None]},
}  # fmt: skip


@pytest.mark.parametrize("what", COMPILED)
def test_histories_are_keras_s(tf, keras_in_graphs, what):
    x, y = data()
    if what == "one loss for all":
        y[0] = np.eye(3, dtype=np.float32)[y[0]]
    weights = [np.linspace(0, 2, N).astype(np.float32), np.linspace(2, 1, N).astype(np.float32)]
    histories = []
    for model, k in zip(pair(tf, two_and_two), (minicnn, tf.keras), strict=True):
        model.compile(k.optimizers.SGD(0.05), **COMPILED[what])
        extra = {"sample_weight": weights} if "weighted_metrics" in COMPILED[what] else {}
        options = {"epochs": 3, "batch_size": 8, "shuffle": False, "verbose": 0, "validation_data": (x, y)}
        histories.append(model.fit(x, y, **options, **extra).history)
    found, expected = histories
    assert list(found) == list(expected)
    for key, values in expected.items():
        assert_close(found[key], values, 2e-5, key)


def test_evaluate_and_predict(tf):
    x, y = data()
    ours, theirs = pair(tf, two_and_two)
    for model in (ours, theirs):
        model.compile("sgd", ["sparse_categorical_crossentropy", "mse"], metrics=[["accuracy"], ["mae"]])
    assert_close(ours.evaluate(x, y, verbose=0), theirs.evaluate(x, y, verbose=0), 1e-5)
    named = ours.evaluate(x, y, verbose=0, return_dict=True)
    assert ours.evaluate(x, y, verbose=0) == [named[name] for name in ours.metrics_names]
    by_name = ({"row": x[1], "image": x[0]}, {"sum": y[1], "classes": y[0]})
    assert ours.evaluate(*by_name, verbose=0, return_dict=True) == named
    for found, expected in zip(ours.predict(x, verbose=0), theirs.predict(x, verbose=0), strict=True):
        assert_close(found, expected, 1e-5)
    for found, expected in zip(ours(x), theirs(x), strict=True):
        assert_close(found, expected, 1e-5)
    assert_close(ours.train_on_batch(x, y), [float(v) for v in theirs.train_on_batch(x, y)], 1e-5)


def test_dictionaries(tf):
    x, y = data()
    ours, theirs = pair(tf, two_and_two, keys=True)
    x, y = {"image": x[0], "row": x[1]}, {"classes": y[0], "sum": y[1]}
    for model in (ours, theirs):
        model.compile("sgd", {"classes": "sparse_categorical_crossentropy", "sum": "mse"})
    histories = [model.fit(x, y, shuffle=False, verbose=0).history for model in (ours, theirs)]
    assert sorted(histories[0]) == sorted(histories[1])
    for key, values in histories[1].items():
        assert_close(histories[0][key], values, 1e-5, key)
    found, expected = ours.predict(x, verbose=0), theirs.predict(x, verbose=0)
    assert list(found) == ["classes", "sum"]
    for name in found:
        assert_close(found[name], expected[name], 1e-5)
    assert list(ours({"row": x["row"], "image": x["image"]})) == ["classes", "sum"]


def test_gradients():
    x = [normal(2, 8, 6, 3), normal(2, 4, seed=1)]
    assert utils.gradient_check(two_and_two(minicnn), x, verbose=False) < 1e-6


def nested(k):
    """A model that uses an inner model of two outputs twice. The inner model computes `b` from its other output `a`."""
    inputs = k.Input((6,))
    a = k.layers.Dense(5, activation="softmax", name="a")(inputs)
    inner = k.Model(inputs, [a, k.layers.Dense(4, name="b")(a)], name="inner")
    first, second = k.Input((6,), name="first"), k.Input((6,), name="second")
    (a_1, b_1), (_, b_2) = inner(first), inner(second)
    return k.Model([first, second], [a_1, k.layers.Dense(2, name="end")(k.layers.Subtract()([b_1, b_2]))])


def test_models_of_several_outputs_nest(tf):
    ours, theirs = pair(tf, nested)
    x = [normal(N, 6, dtype=np.float32), normal(N, 6, seed=1, dtype=np.float32)]
    y = [labels(N, classes=5), normal(N, 2, seed=2, dtype=np.float32)]
    histories = []
    for model, k in ((ours, minicnn), (theirs, tf.keras)):
        model.compile(k.optimizers.SGD(0.1), ["sparse_categorical_crossentropy", "mse"])
        histories.append(model.fit(x, y, epochs=3, shuffle=False, verbose=0).history)
    for key, values in histories[1].items():
        assert_close(histories[0][key], values, 1e-5, key)
    assert utils.gradient_check(nested(minicnn), [v[:3] for v in x], verbose=False) < 1e-6


def test_training_said_in_a_call_holds_while_the_model_trains():
    """Keras's guide to transfer learning says so (but in Keras 3.15 `fit` overrides the call)."""
    base = minicnn.Sequential([layers.Input((5,)), layers.Dense(4), layers.BatchNormalization()], name="base")
    inputs = layers.Input((5,))
    model = minicnn.Model(inputs, layers.Dense(1)(base(inputs, training=False)))
    x = normal(N, 5, dtype=np.float32)
    trained, inferred = (model.forward(x, training=training, need_saved=False)[0] for training in (True, False))
    np.testing.assert_array_equal(trained, inferred)
    assert np.abs(base.forward(x, training=True)[0] - base.forward(x, training=False)[0]).max() > 0.1
    base.layers[-1].moving_mean.assign(np.zeros(4))
    before = base.layers[0].kernel.numpy()
    model.compile("sgd", "mse")
    model.fit(x, x[:, :1], verbose=0)
    np.testing.assert_array_equal(base.layers[-1].moving_mean.numpy(), np.zeros(4))
    assert np.abs(base.layers[0].kernel.numpy() - before).max() > 0
    again = minicnn.models.model_from_json(model.to_json())
    assert [node.training for node in again.plan.nodes] == [False, None]


def test_saved_both_ways(tf, tmp_path):
    x, y = data()
    for build in (two_and_two, nested):
        ours, theirs = pair(tf, build)
        if build is nested:
            x, y = [normal(N, 6, dtype=np.float32)] * 2, [labels(N, classes=5), normal(N, 2, dtype=np.float32)]
        for name, model, load in (
            ("ours.keras", ours, tf.keras.models.load_model),
            ("theirs.keras", theirs, minicnn.models.load_model),
            ("ours.keras", ours, minicnn.models.load_model),
        ):
            model.compile(
                "sgd", ["sparse_categorical_crossentropy", "mse"], loss_weights=[1.0, 0.5], metrics=[["accuracy"], []]
            )
            model.train_on_batch(x, y)
            model.save(tmp_path / name)
            again = load(tmp_path / name)
            for found, expected in zip(again.predict(x, verbose=0), model.predict(x, verbose=0), strict=True):
                assert_close(found, expected, 1e-5)
            found, expected = (m.evaluate(x, y, verbose=0, return_dict=True) for m in (again, model))
            assert sorted(found) == sorted(expected)
            for key, value in expected.items():
                assert_close(found[key], value, 1e-5, key)


def test_symbols_are_calculated_with():
    a, b = layers.Input((3,)), layers.Input((3,))
    x = [normal(2, 3, seed=i, dtype=np.float32) for i in range(2)]
    three = np.array([1.0, 2.0, 4.0], np.float32)
    for make in (
        lambda a, b: a + b, lambda a, b: a - b, lambda a, b: a * b, lambda a, b: a / b, lambda a, b: -a + 0 * b,
        lambda a, b: three + a - b, lambda a, b: (three - a) / 2 + b, lambda a, b: three / a * b,
        lambda a, b: a[..., ::-1] - three * b,
    ):  # fmt: skip
        made = make(a, b)
        assert isinstance(made, Symbol)
        assert made.shape == (None, 3)
        assert_close(minicnn.Model([a, b], made).predict(x, verbose=0), make(*x), 1e-6)


def test_what_is_wrong_is_reported():
    a, b = layers.Input((3,), name="a"), layers.Input((4,), name="b")
    with pytest.raises(ValueError, match=r"cannot add shapes \(None, 3\) and \(None, 4\)"):
        a + b
    with pytest.raises(ValueError, match=r"cannot multiply shapes \(None, 3\) and \(2, 3\)"):
        a * np.ones((2, 3))
    with pytest.raises(TypeError, match="received 'three'"):
        a + "three"
    with pytest.raises(TypeError, match="None and lists of integers as an index"):
        a[a > 0]
    with pytest.raises(TypeError, match="has no numbers yet"):
        np.asarray(a)
    model = minicnn.Model([a, b], [layers.Dense(1, name="c")(a), layers.Dense(2, name="d")(b)])
    x, y = [np.ones((5, 3)), np.ones((5, 4))], [np.ones((5, 1)), np.ones((5, 2))]
    with pytest.raises(ValueError, match="loss needs 2 entries, for 'c', 'd'; received 3"):
        model.compile("sgd", ["mse"] * 3)
    with pytest.raises(ValueError, match="loss has entries for 'e'; the model's names are 'c', 'd'"):
        model.compile("sgd", {"e": "mse"})
    with pytest.raises(ValueError, match="metrics needs 2 entries"):
        model.compile("sgd", "mse", metrics=["mae"])
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match="x needs 2 entries, for 'a', 'b'; received 1 of ndarray"):
        model.fit(x[0], y)
    with pytest.raises(ValueError, match="y needs 2 entries"):
        model.fit(x, y[:1])
    with pytest.raises(ValueError, match=r"fit needs targets: call fit\(x, y\); received y=None for 'd'"):
        model.fit(x, {"c": y[0]})
    with pytest.raises(ValueError, match="5 samples in x and 4 in y"):
        model.fit(x, [y[0], y[1][:4]])
    with pytest.raises(ValueError, match=r"takes inputs of shape \(None, 4\) as 'b'; received shape \(None, 3\)"):
        model.predict([x[0], x[0]])
    with pytest.raises(ValueError, match="class_weight is for models with one output"):
        model.fit(x, y, class_weight={0: 1.0})
    with pytest.raises(ValueError, match="Layers of a Sequential must give one output"):
        minicnn.Sequential([layers.Input((3,)), minicnn.Model(a, [a + 1, a + 2])])


@pytest.mark.parametrize("nested", [False, True])
def test_a_penalty_where_no_loss_reaches(tf, nested):
    """A branch has an activity penalty, but its output has no loss. Its weights change as in Keras."""

    def trained(k):
        x = k.layers.Input((4,))
        penalized = k.layers.Dense(3, activity_regularizer=k.regularizers.L1L2(0.02, 0.1))
        branch = k.Sequential([k.layers.Input((4,)), penalized])(x) if nested else penalized(x)
        model = k.Model(x, [branch, k.layers.Dense(2)(x)])
        model.compile(k.optimizers.SGD(0.1), loss=[None, "mse"])
        model.set_weights([normal(*w.shape, seed=i, dtype=np.float32) for i, w in enumerate(model.weights)])
        inputs, targets = normal(6, 4, seed=8, dtype=np.float32), normal(6, 2, seed=9, dtype=np.float32)
        model.fit(inputs, [np.zeros((6, 3), np.float32), targets], batch_size=3, epochs=2, shuffle=False, verbose=0)
        return model.get_weights()

    for found, expected in zip(trained(minicnn), trained(tf.keras), strict=True):
        assert_close(found, expected, 1e-5)


def within_each_other(k):
    a, b, c = (k.Input((3,), name=name) for name in "abc")
    total = k.layers.Add(name="total")([a, b])
    ends = {"x": k.layers.Dense(2, name="x")(total), "more": {"y": k.layers.Dense(1, name="y")(c)}}
    return k.Model({"a": a, "rest": {"b": b, "c": [c]}}, ends)


def test_inputs_and_outputs_within_each_other(tf, tmp_path):
    """Lists and dictionaries in lists and dictionaries: for calls, training, losses and files, as in Keras."""
    x = [normal(8, 3, seed=i, dtype=np.float32) for i in range(3)]
    given, y = {"a": x[0], "rest": {"b": x[1], "c": [x[2]]}}, {"x": x[0][:, :2], "more": {"y": x[1][:, :1]}}
    weights, found = None, []
    for k in (minicnn, tf.keras):
        model = within_each_other(k)
        weights = weights or [normal(*w.shape, seed=i, dtype=np.float32) for i, w in enumerate(model.get_weights())]
        model.set_weights(weights)
        model.compile("sgd", loss={"x": "mse", "more": {"y": "mae"}})
        history = model.fit(given, y, epochs=3, verbose=0, shuffle=False).history
        outputs, called = model.predict(given, verbose=0), model(given)
        for made in (outputs, called):
            assert list(made) == ["x", "more"] and list(made["more"]) == ["y"]
        assert history.keys() == {"loss", "x_loss", "more/y_loss"}
        found.append((history["loss"], outputs["x"], outputs["more"]["y"], np.asarray(called["more"]["y"])))
        model.save(tmp_path / f"{k is minicnn}.keras")
    for ours, theirs in zip(*found, strict=True):
        assert_close(ours, np.asarray(theirs), 1e-5)
    for reader in (minicnn, tf.keras):
        for file in (True, False):
            read = reader.models.load_model(tmp_path / f"{file}.keras")
            assert_close(np.asarray(read(given)["more"]["y"]), found[0][3], 1e-4)
    with pytest.raises(ValueError, match=r"A dictionary with \['a', 'rest'\] is needed; received \['a'\]"):
        within_each_other(minicnn)({"a": x[0]})
    a = minicnn.Input((3,))
    assert minicnn.Model([[a]], layers.Dense(1)(a))([[x[0]]]).shape == (8, 1)
    assert minicnn.Model([{"a": a}], [[layers.Dense(1)(a)]])([{"a": x[0]}])[0][0].shape == (8, 1)


def test_dictionaries_are_taken_apart_by_their_keys(tf, tmp_path):
    """Layers behind outputs stand in files in the order of the outputs' keys, so weights go where they belong."""
    x = normal(4, 3, dtype=np.float32)

    def build(k):
        inputs = k.Input((3,))
        return k.Model(inputs, {name: k.layers.Dense(2)(inputs) for name in ("b", "c", "a")})

    models = {k: build(k) for k in (minicnn, tf.keras)}
    for writer, reader in ((minicnn, tf.keras), (tf.keras, minicnn), (minicnn, minicnn)):
        models[writer].save(tmp_path / "model.keras")
        models[writer].save_weights(tmp_path / "model.weights.h5")
        again = build(reader)
        again.load_weights(tmp_path / "model.weights.h5")
        for read in (reader.models.load_model(tmp_path / "model.keras"), again):
            for name, wanted in models[writer](x).items():
                assert_close(np.asarray(read(x)[name]), np.asarray(wanted), 1e-5, name)
    assert list(models[minicnn](x)) == ["b", "c", "a"]


def test_inputs_in_another_form_than_the_model_s():
    a, b = minicnn.Input((2,)), minicnn.Input((2,))
    x, y = np.ones((3, 2), np.float32), np.zeros((3, 2), np.float32)
    difference = minicnn.layers.Subtract()([a, b])
    model = minicnn.Model({"b": b, "a": a}, difference)
    assert list(model.input) == ["b", "a"] and model.input["a"] is a and model.output is difference
    for call in (model, lambda given: model.predict(given, verbose=0)):
        np.testing.assert_array_equal(call({"a": x, "b": y}), x)
        with pytest.raises(ValueError, match="takes a dictionary with 'b', 'a'; received a list"):
            call([x, y])
        with pytest.warns(UserWarning, match="does not read the inputs 'c'"):
            np.testing.assert_array_equal(call({"a": x, "c": y, "b": y}), x)
    ordered = minicnn.Model({"a": a, "b": b}, difference)
    with pytest.warns(UserWarning, match="whose entries are taken in this order"):
        np.testing.assert_array_equal(ordered.predict([x, y], verbose=0), x)
    one = minicnn.Model({"a": a}, a * 2.0)
    with pytest.warns(UserWarning, match="does not read the inputs 'b'"):
        np.testing.assert_array_equal(one.predict({"b": y, "a": x}, verbose=0), 2 * x)


def test_outputs_in_a_tuple_come_in_a_tuple(tf):
    for k in (minicnn, tf.keras):
        inputs = k.Input((2,))
        model = k.Model(inputs, (inputs * 2.0, inputs + 1.0))
        again = k.Model.from_config(model.get_config())
        for one in (model, again):
            assert type(one(np.ones((1, 2)))) is type(one.predict(np.ones((1, 2)), verbose=0)) is tuple, k
