"""The rest of Keras's public surface: variables, constraints, penalties on activities, optimizers, metrics, pickles."""

from __future__ import annotations

import copy
import inspect
import pickle

import numpy as np
import pytest
from helpers import assert_close, labels, normal, probabilities

import minicnn
from minicnn import constraints, layers, losses, metrics, optimizers, regularizers, utils

N = 20
X, Y = normal(N, 7, dtype=np.float32), labels(N, classes=3)


def both_trained(tf, build, steps=6, loss="sparse_categorical_crossentropy", x=X, y=Y, optimizer=None, **fit):
    """Histories and weights of a model built by build(keras) in minicnn and in Keras, from the same weights."""
    found, weights = [], None
    for k in (minicnn, tf.keras):
        model = build(k)
        model.build((None, *x.shape[1:]))
        weights = weights or [0.5 * normal(*w.shape, seed=i, dtype=np.float32) for i, w in enumerate(model.weights)]
        model.set_weights(weights)
        model.compile(optimizer(k) if optimizer else k.optimizers.SGD(0.1), loss)
        history = model.fit(x, y, epochs=steps, batch_size=8, shuffle=False, verbose=0, **fit).history
        found.append((history, model.get_weights()))
    return found


def assert_same(found):
    (ours, our_weights), (theirs, their_weights) = found
    for key, values in theirs.items():
        assert_close(ours[key], values, 2e-5, key)
    for mine, wanted in zip(our_weights, their_weights, strict=True):
        assert_close(mine, wanted, 1e-4)


CONSTRAINTS = {
    "max_norm": lambda k: k.constraints.MaxNorm(0.7),
    "non_neg": lambda k: "non_neg",
    "unit_norm": lambda k: k.constraints.UnitNorm(axis=1),
    "min_max_norm": lambda k: k.constraints.MinMaxNorm(0.2, 0.8, rate=0.5),
}


@pytest.mark.parametrize("name", CONSTRAINTS)
def test_constraints(tf, name):
    w = 2 * normal(4, 3, dtype=np.float32)
    ours, theirs = constraints.get(CONSTRAINTS[name](minicnn)), tf.keras.constraints.get(CONSTRAINTS[name](tf.keras))
    assert_close(ours(w), theirs(tf.constant(w)), 1e-6)
    assert constraints.deserialize(constraints.serialize(ours)).get_config() == theirs.get_config()

    def build(k):
        dense = k.layers.Dense(4, activation="relu", kernel_constraint=CONSTRAINTS[name](k), bias_constraint="non_neg")
        return k.Sequential(
            [dense, k.layers.BatchNormalization(gamma_constraint="non_neg"), k.layers.Dense(3, "softmax")]
        )

    assert_same(both_trained(tf, build))


@pytest.mark.parametrize("regularizer", ["l1", "l2", "both"])
def test_penalties_on_activities(tf, regularizer):
    def build(k):
        both = k.regularizers.L1L2(0.01, 0.03)
        first = k.layers.Dense(
            5, activation="relu", activity_regularizer=both if regularizer == "both" else regularizer
        )
        middle = k.layers.ActivityRegularization(l1=0.01, l2=0.02)
        return k.Sequential([first, middle, k.layers.Dense(3, activation="softmax", activity_regularizer="l2")])

    assert_same(both_trained(tf, build, validation_data=(X, Y)))


def test_a_penalty_on_a_pooled_convolution(tf):
    x = normal(N, 6, 6, 2, dtype=np.float32)

    def build(k):
        inputs = k.Input((6, 6, 2))
        h = k.layers.Conv2D(3, 3, activation="relu", activity_regularizer="l2")(inputs)
        h = k.layers.MaxPooling2D(2, activity_regularizer="l1")(h)
        return k.Model(inputs, k.layers.Dense(3, activation="softmax")(k.layers.Flatten()(h)))

    assert_same(both_trained(tf, build, x=x))
    assert utils.gradient_check(build(minicnn), x[:2], verbose=False) < 1e-6


def test_a_penalty_in_a_nested_model_whose_output_has_no_loss(tf):
    x, found = normal(N, 3, dtype=np.float32), []
    for k in (minicnn, tf.keras):
        rows = [k.layers.Dense(4), k.layers.Dense(2, activity_regularizer="l2"), k.layers.Activation("tanh")]
        inner = k.Sequential([k.Input((3,)), *rows])
        inputs = k.Input((3,))
        model = k.Model(inputs, [k.layers.Dense(1)(inputs), inner(inputs)])
        model.set_weights([normal(*w.shape, seed=i, dtype=np.float32) for i, w in enumerate(model.get_weights())])
        model.compile(k.optimizers.SGD(0.1), loss=["mse", None])
        model.fit(x, [x[:, :1], x[:, :2]], epochs=3, shuffle=False, verbose=0)
        found.append(inner.get_weights())
    for mine, wanted in zip(*found, strict=True):
        assert_close(mine, wanted, 1e-5)


def test_losses_of_layers_and_models():
    dense = layers.Dense(3, kernel_regularizer="l2", activity_regularizer=regularizers.L1(0.5))
    model = minicnn.Sequential([layers.Input((7,)), dense])
    kernel = 0.01 * np.square(dense.kernel.numpy()).sum()
    assert_close(model.losses, [kernel], 1e-6)
    y = dense(X)
    assert_close(dense.losses, [kernel, 0.5 * np.abs(y).sum() / N], 1e-5)

    class Adds(layers.Layer):
        def forward(self, x, training=False, need_saved=True):
            self.add_loss(2.5)
            return x, None

        def backward(self, dy, saved, need_dx=True):
            return dy

    model = minicnn.Sequential([layers.Input((7,)), Adds(), layers.Dense(3, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    plain = minicnn.Sequential(model.layers[1:])
    plain.compile("sgd", "sparse_categorical_crossentropy")
    plain.build((None, 7))
    assert_close(model.evaluate(X, Y, verbose=0), plain.evaluate(X, Y, verbose=0) + 2.5, 1e-6)


def test_variables():
    assert minicnn.Variable(np.arange(6.0)).dtype == "float64"
    variable = minicnn.Variable(np.arange(6, dtype=np.float32).reshape(2, 3), name="v")
    assert (variable.shape, variable.ndim, variable.dtype, variable.name, variable.trainable) == (
        (2, 3),
        2,
        "float32",
        "v",
        True,
    )
    variable.assign_add(np.ones((2, 3)))
    variable.assign_sub(np.full((2, 3), 2.0))
    np.testing.assert_array_equal(variable.numpy(), np.arange(6.0).reshape(2, 3) - 1)
    np.testing.assert_array_equal(np.asarray(variable), variable.value)
    drawn = minicnn.Variable(minicnn.initializers.Ones(), shape=(4,), dtype="float64", trainable=False)
    assert (drawn.shape, drawn.dtype, drawn.trainable) == ((4,), "float64", False)
    with pytest.raises(ValueError, match="needs its shape"):
        minicnn.Variable(minicnn.initializers.Ones())
    with pytest.raises(ValueError, match=r"has shape \(2, 3\); received an array of shape \(3,\)"):
        variable.assign(np.ones(3))


def test_layers_in_lists_and_dictionaries_belong_to_the_layer():
    class Block(layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.row, self.named, self.sizes = [], {"last": layers.Dense(2)}, (1, 2)
            for units in (4, 3):
                self.row.append(layers.Dense(units))

    block = Block()
    assert [layer.units for layer in block.flattened()[1:]] == [4, 3, 2]
    block.row[0].build((None, 5))
    assert len(block.weights) == 2
    block.trainable = False
    assert not block.row[1].trainable

    class Forgetful(layers.Layer):
        def __init__(self):
            self.dense = layers.Dense(2)

    with pytest.raises(RuntimeError, match=r"Call super\(\).__init__\(\) in Forgetful"):
        Forgetful()


class TwoWays(minicnn.Model):
    """A model of one's own: one layer used on the input and on its reverse."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.dense = layers.Dense(units, activation="tanh")
        self.head = layers.Dense(3, activation="softmax")

    def build(self, input_shape):
        self.dense.build(input_shape)
        self.head.build((None, self.units))

    def compute_output_shape(self, input_shape):
        return (input_shape[0], 3)

    def forward(self, x, training=False, need_saved=True):
        a, saved_a = self.dense.forward(x, training, need_saved)
        b, saved_b = self.dense.forward(np.ascontiguousarray(x[:, ::-1]), training, need_saved)
        y, saved_y = self.head.forward(a + b, training, need_saved)
        return y, (saved_a, saved_b, saved_y)

    def backward(self, dy, saved, need_dx=True):
        saved_a, saved_b, saved_y = saved
        dh = self.head.backward(dy, saved_y)
        dx, turned = self.dense.backward(dh, saved_a), self.dense.backward(dh, saved_b)
        return dx + turned[:, ::-1] if need_dx else None

    def get_config(self):
        return {"name": self.name, "units": self.units}


def test_a_model_of_ones_own(tmp_path):
    model = TwoWays(5)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(X, Y, epochs=30, verbose=0).history
    assert history["loss"][-1] < history["loss"][0]
    assert utils.gradient_check(model, X[:3], verbose=False) < 1e-6
    assert [layer.name for layer in model.layers] == [model.dense.name, model.head.name]
    assert model.get_layer(index=0) is model.dense
    assert model.count_params() == 7 * 5 + 5 + 5 * 3 + 3
    model.summary(print_fn=lambda text: None)
    with pytest.raises(ValueError, match=r"labels must be from 0 to 2"):
        model.fit(X, Y + 9)
    model.save_weights(tmp_path / "own.weights.h5")
    again = TwoWays(5)
    again.build((None, 7))
    again.load_weights(tmp_path / "own.weights.h5")
    np.testing.assert_array_equal(again.predict(X, verbose=0), model.predict(X, verbose=0))
    model.save(tmp_path / "own.keras")
    loaded = minicnn.models.load_model(tmp_path / "own.keras", custom_objects={"TwoWays": TwoWays})
    np.testing.assert_array_equal(loaded.predict(X, verbose=0), model.predict(X, verbose=0))
    copied = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(copied.predict(X, verbose=0), model.predict(X, verbose=0))


def test_a_functional_model_as_a_class():
    class Small(minicnn.Model):
        def __init__(self, units):
            inputs = layers.Input((7,))
            super().__init__(inputs, layers.Dense(units)(inputs), name="small")

    model = Small(4)
    assert model.output_shape == (None, 4)
    assert model.predict(X, verbose=0).shape == (N, 4)
    assert len(model.layers) == 2


def trained(optimizer="adam"):
    model = minicnn.Sequential(
        [
            layers.Input((7,)),
            layers.Dense(6, "relu"),
            layers.Dropout(0.2),
            layers.BatchNormalization(),
            layers.Dense(3, "softmax"),
        ]
    )
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(X, Y, epochs=2, verbose=0)
    return model


@pytest.mark.parametrize(
    "copied", [lambda model: pickle.loads(pickle.dumps(model)), copy.deepcopy], ids=["pickle", "deepcopy"]
)
def test_a_copied_model_goes_on_training(copied):
    model = trained()
    model.layers[1].trainable = True
    again = copied(model)
    np.testing.assert_array_equal(again.predict(X, verbose=0), model.predict(X, verbose=0))
    assert again.optimizer.iterations == model.optimizer.iterations
    for layer in (again.layers[1], model.layers[1]):
        layer.rate = 0.0
    assert again.train_on_batch(X, Y) == model.train_on_batch(X, Y)


def test_pickles_of_parts():
    dense = layers.Dense(3, kernel_regularizer="l2")
    dense(X)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(dense))(X), dense(X))
    loss = pickle.loads(pickle.dumps(losses.Huber(0.5)))
    assert loss(X, X + 1) == losses.Huber(0.5)(X, X + 1)
    metric = metrics.Precision()
    metric.update_state([1, 0, 1], [0.9, 0.8, 0.1])
    assert pickle.loads(pickle.dumps(metric)).result() == metric.result() == 0.5
    deep = layers.Input((3,))
    symbol = deep
    for _ in range(400):
        symbol = symbol + 1.0
    assert pickle.loads(pickle.dumps(minicnn.Model(deep, symbol))).predict(np.zeros((1, 3)), verbose=0)[0, 0] == 400


def test_optimizers_by_hand(tf):
    g = [normal(4, 3, seed=s, dtype=np.float32) for s in (1, 2)]
    values = []
    for k, optimizer in ((minicnn, optimizers.AdamW(0.1)), (tf.keras, tf.keras.optimizers.AdamW(0.1))):
        variables = [
            k.Variable(normal(4, 3, dtype=np.float32), name="kernel"),
            k.Variable(np.ones((4, 3), np.float32), name="bias"),
        ]
        optimizer.exclude_from_weight_decay(var_names=["bias"])
        optimizer.build(variables)
        for _ in range(3):
            optimizer.apply_gradients(zip(g if k is minicnn else map(tf.constant, g), variables, strict=True))
        assert int(optimizer.iterations) == 3
        assert len(optimizer.variables) == 2 + 2 * 2
        values.append([np.asarray(v.numpy()) for v in variables])
    for mine, wanted in zip(*values, strict=True):
        assert_close(mine, wanted, 1e-5)
    with pytest.raises(ValueError, match="received no gradient"):
        optimizers.SGD().apply_gradients([(None, minicnn.Variable(1.0))])


def test_weights_may_be_left_out_of_decay(tf):
    def build(k):
        row = [k.layers.Dense(4, activation="relu"), k.layers.Dense(3, activation="softmax")]
        return k.Sequential(row, name="debiased")  # the model's name, too, begins the paths that are searched

    def optimizer(k):
        made = k.optimizers.SGD(0.1, weight_decay=0.2)
        made.exclude_from_weight_decay(var_names=["bias"])
        return made

    assert_same(both_trained(tf, build, optimizer=optimizer))


def test_the_learning_rate_as_keras_s_users_touch_it():
    optimizer = optimizers.Adam(0.01)
    assert optimizer.learning_rate == 0.01
    assert optimizer.learning_rate.numpy() == np.float32(0.01)
    optimizer.learning_rate.assign(0.5)
    assert optimizer.learning_rate == 0.5
    optimizer.learning_rate = 0.25
    assert float(optimizer.learning_rate) == 0.25


METRICS = [  # name, options, whether its targets are labels
    ("TopKCategoricalAccuracy", {"k": 2}, False), ("SparseTopKCategoricalAccuracy", {"k": 2}, True),
    ("TruePositives", {}, False), ("FalsePositives", {"thresholds": 0.3}, False), ("TrueNegatives", {}, False),
    ("FalseNegatives", {"thresholds": [0.2, 0.6]}, False), ("Precision", {}, False), ("Recall", {"class_id": 1}, False),
    ("Precision", {"top_k": 2}, False), ("Recall", {"top_k": 3, "class_id": 2}, False),
    ("Recall", {"top_k": 1, "thresholds": [0.1, 0.4]}, False),
    *(
        ("AUC", {"num_thresholds": 20, "curve": curve, "summation_method": method, **labels}, False)
        for curve in ("ROC", "PR", "PRGAIN")
        for method in ("interpolation", "minoring", "majoring")
        for labels in ({}, {"multi_label": True})
    ),
    ("AUC", {"thresholds": [0.1, 0.15, 0.7]}, False), ("AUC", {"from_logits": True}, False),
    ("AUC", {"multi_label": True, "num_labels": 4, "label_weights": [1.0, 2.0, 0.0, 0.5]}, False),
    ("AUC", {"label_weights": [1.0, 2.0, 0.0, 0.5]}, False),
    ("SensitivityAtSpecificity", {"specificity": 0.8}, False),
    ("SpecificityAtSensitivity", {"sensitivity": 0.6}, False),
    ("PrecisionAtRecall", {"recall": 0.3, "num_thresholds": 7}, False),
    ("RecallAtPrecision", {"precision": 0.35, "class_id": 1}, False),
    ("RecallAtPrecision", {"precision": 0.3, "num_thresholds": 1}, False),
    ("F1Score", {}, False), ("F1Score", {"average": "micro"}, False), ("F1Score", {"threshold": 0.3}, False),
    ("FBetaScore", {"average": "macro", "beta": 2.0}, False), ("FBetaScore", {"average": "weighted"}, False),
    ("R2Score", {}, False), ("R2Score", {"class_aggregation": "variance_weighted_average"}, False),
    ("R2Score", {"class_aggregation": None, "num_regressors": 2}, False),
]  # fmt: skip


@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize(("name", "options", "sparse"), METRICS, ids=str)
def test_metrics(tf, name, options, sparse, weighted):
    ours, theirs = getattr(metrics, name)(**options), getattr(tf.keras.metrics, name)(**options)
    assert ours.name == theirs.name.rsplit("_", 1)[0] if theirs.name[-1].isdigit() else ours.name == theirs.name
    config = {
        key: value.numpy().tolist() if hasattr(value, "numpy") else value for key, value in theirs.get_config().items()
    }
    assert {**ours.get_config(), "dtype": None, "name": None} == {**config, "dtype": None, "name": None}
    for seed in range(3):
        t = labels(9, classes=4, seed=seed)
        y = t if sparse else np.eye(4, dtype=np.float32)[t]
        p = probabilities(9, 4, seed=seed, dtype=np.float32)
        p[0] = 0.25  # where all are equal, the first are the largest
        w = np.linspace(0, 2, 9).astype(np.float32) if weighted else None
        ours.update_state(y, p, w)
        theirs.update_state(y, p, w)
    assert_close(ours.result(), np.asarray(theirs.result()), 1e-6)
    ours.reset_state()
    theirs.reset_state()
    assert_close(ours.result(), np.nan_to_num(theirs.result()), 1e-6)  # R2Score is 0 / 0 there


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("AUC", {}), ("AUC", {"num_thresholds": 11}), ("AUC", {"curve": "PR"}), ("AUC", {"curve": "PRGAIN"}),
        ("AUC", {"thresholds": [0.2, 0.35, 0.7]}), ("AUC", {"thresholds": [0.25, 0.5, 0.75]}),
        ("AUC", {"num_thresholds": 2}), ("SensitivityAtSpecificity", {"specificity": 0.5}),
        ("SpecificityAtSensitivity", {"sensitivity": 1.0, "num_thresholds": 11}),
        ("PrecisionAtRecall", {"recall": 0.5, "num_thresholds": 1}), ("RecallAtPrecision", {"precision": 0.6}),
    ],
    ids=str,
)  # fmt: skip
def test_predictions_at_thresholds_and_beyond(tf, name, options):
    p = np.float32([[0], [1], [0.3], [0.2], [0.6], [0.7], [0.1], [-3], [2], [0.5], [0.35], [1.3]])
    for t in ([1, 0, 0, 1, 1, 0, 1, 0, 1, 1, 0, 0], [255, 0, 0, 255, 2, 0, 1, 0, 1, 1, 0, 0]):
        ours, theirs = getattr(metrics, name)(**options), getattr(tf.keras.metrics, name)(**options)
        y = np.float32(t)[:, None]
        assert_close(ours(y, p), np.asarray(theirs(y, p)), 1e-6)


def test_scores_at_the_threshold_and_of_other_outputs(tf):
    y, p = np.float32([[1, 0], [0, 1]]), np.float32([[0.3, 0.3], [0.2, 0.3]])
    for k in (metrics, tf.keras.metrics):
        score = k.F1Score(threshold=0.3)
        np.testing.assert_array_equal(score(y, p).numpy(), [0, 0])
    score = metrics.R2Score(class_aggregation=None)
    score(y, p)
    with pytest.raises(ValueError, match="'r2_score' has counted 2 outputs; received 1"):
        score(y[:, :1], p[:, :1])
    score.reset_state()
    assert score(y[:, :1], p[:, :1]).shape == (1,)
    assert isinstance(metrics.get("f_beta_score"), metrics.FBetaScore)
    assert metrics.FBetaScore(beta=2).get_config()["beta"] == 2.0
    model = minicnn.Sequential([layers.Input((7,)), layers.Dense(2)])
    model.compile("sgd", "mse", metrics=[metrics.F1Score()])
    stopping = minicnn.callbacks.EarlyStopping("f1_score", mode="max")
    with pytest.raises(ValueError, match="EarlyStopping watches one number; 'f1_score' has 2, one for each output"):
        model.fit(X, np.eye(2)[Y % 2], epochs=3, verbose=0, callbacks=[stopping])


def test_counting_metrics_in_fit(tf):
    def histories():
        for k in (minicnn, tf.keras):
            model = k.Sequential([k.Input((7,)), k.layers.Dense(1, activation="sigmoid")])
            model.set_weights([normal(7, 1, dtype=np.float32), np.zeros(1, np.float32)])
            counted = ["precision", k.metrics.Recall(name="recall"), k.metrics.FalsePositives(name="fp"), "AUC"]
            counted += [k.metrics.AUC(curve="PR", name="pr"), k.metrics.F1Score(threshold=0.5), k.metrics.R2Score()]
            model.compile(k.optimizers.SGD(0.5), "binary_crossentropy", metrics=counted)
            yield model.fit(
                X, (Y > 0)[:, None], epochs=3, shuffle=False, verbose=0, validation_data=(X, (Y > 0)[:, None])
            ).history

    found, expected = histories()
    assert list(found) == list(expected)
    for key, values in expected.items():
        assert_close(found[key], values, 1e-5, key)


def test_ignored_labels(tf):
    logits, y = normal(3, 4, 5, dtype=np.float32), labels(3, 4, classes=5)
    y[0, :2] = 255
    for reduction in ("sum_over_batch_size", "sum", "mean_with_sample_weight", "none"):
        for w in (None, np.array([1.0, 2.0, 0.5], np.float32)):
            options = {"from_logits": True, "ignore_class": 255, "reduction": reduction}
            ours = losses.SparseCategoricalCrossentropy(**options)(y, logits, w)
            weights = None if w is None else np.repeat(w[:, None], 4, 1)
            theirs = tf.keras.losses.SparseCategoricalCrossentropy(**options)(y, logits, weights)
            assert_close(ours, np.asarray(theirs), 1e-5, reduction)
    x, found = normal(N, 3, 3, 2, dtype=np.float32), []
    marked = labels(N, 3, 3, classes=4)
    marked[::3] = 255
    weights = [normal(2, 4, dtype=np.float32), np.zeros(4, np.float32)]
    for k in (minicnn, tf.keras):
        model = k.Sequential([k.Input((3, 3, 2)), k.layers.Dense(4)])
        model.set_weights(weights)
        model.compile(k.optimizers.SGD(0.1), k.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=255))
        found.append(model.fit(x, marked, batch_size=8, epochs=3, shuffle=False, verbose=0).history["loss"])
    assert_close(*found, 1e-5)


def test_noise_has_its_mean_and_variance():
    x = np.ones((200, 500), np.float32)
    noisy = layers.GaussianNoise(0.5)(x, training=True) - 1
    assert abs(noisy.mean()) < 0.01 and abs(noisy.std() - 0.5) < 0.01
    dropped = layers.GaussianDropout(0.2)(x, training=True)
    assert abs(dropped.mean() - 1) < 0.01 and abs(dropped.std() - 0.5) < 0.01
    standard = normal(200, 500, dtype=np.float32)
    kept = layers.AlphaDropout(0.3)(standard, training=True)
    assert abs(kept.mean()) < 0.02 and abs(kept.std() - 1) < 0.02
    for layer in (layers.GaussianNoise(0.5), layers.GaussianDropout(0.2), layers.AlphaDropout(0.3)):
        np.testing.assert_array_equal(layer(x), x)
        twice = [layer(x, training=True) for _ in range(2)]
        assert np.abs(twice[0] - twice[1]).max() > 0
        again = type(layer)(**{**layer.get_config(), "seed": 5}), type(layer)(**{**layer.get_config(), "seed": 5})
        np.testing.assert_array_equal(again[0](x, training=True), again[1](x, training=True))


MODULES = ("layers", "losses", "metrics", "optimizers", "initializers", "regularizers", "constraints")


@pytest.mark.parametrize("module", MODULES)
def test_every_class_goes_through_serialize_and_back(module):
    here = getattr(minicnn, module)
    for found in {entry for entry in here.registry.entries.values() if inspect.isclass(entry)}:
        try:
            made = found()
        except (TypeError, ValueError):
            continue  # it needs arguments: `test_keras_layers` has those
        again = here.deserialize(here.serialize(made))
        assert type(again) is found
        assert again.get_config() == made.get_config()
        assert type(here.deserialize(here.serialize(made), custom_objects={})) is found


def test_arguments_that_only_keras_looks_at_are_taken():
    model = minicnn.Sequential([layers.Input((7,)), layers.Dense(3, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy", run_eagerly=True, jit_compile=False, steps_per_execution=2)
    model.fit(X, Y, verbose=0)


def test_what_is_wrong_is_said():
    for make, sentence in (
        (lambda: metrics.Precision(thresholds=2), "thresholds must lie between 0 and 1; received thresholds=2"),
        (lambda: metrics.Precision(top_k=0), "top_k must be a positive integer; received top_k=0"),
        (lambda: metrics.Precision(top_k=3)([[0, 1]], [[0.1, 0.2]]), "There are 2 outputs; received top_k=3"),
        (lambda: metrics.AUC(curve="ROT"), 'curve must be "ROC", "PR" or "PRGAIN"; received'),
        (lambda: metrics.AUC(num_thresholds=1), "num_thresholds must be an integer, 2 or more; received"),
        (lambda: metrics.AUC(thresholds=[0.5, 2]), "thresholds must be a list of numbers between 0 and 1"),
        (lambda: metrics.AUC(thresholds=0.5), "thresholds must be a list of numbers between 0 and 1; received"),
        (lambda: metrics.AUC(label_weights=2.0), "label_weights must be a list of numbers zero or more; received"),
        (lambda: metrics.AUC(num_labels=2), "num_labels goes with multi_label=True; received num_labels=2"),
        (lambda: metrics.AUC(label_weights=[1])([[0, 1]], [[0.1, 0.2]]), "There are 2 outputs; received label_weights"),
        (lambda: metrics.PrecisionAtRecall(1.5), "recall must lie between 0 and 1; received recall=1.5"),
        (lambda: metrics.F1Score("mean"), 'average must be None, "micro", "macro" or "weighted"; received'),
        (lambda: metrics.F1Score()([1, 0], [[0.1, 0.2], [1, 0]]), r"takes targets and outputs of one shape \(N, K\)"),
        (lambda: metrics.R2Score("sum"), 'class_aggregation must be None, "uniform_average" or'),
        (lambda: metrics.TopKCategoricalAccuracy(0), "k must be a positive integer; received k=0"),
        (lambda: metrics.Recall(class_id=4)([[0, 1]], [[0.1, 0.2]]), "class_id must be one of 2 outputs; received 4"),
        (lambda: layers.GaussianNoise(-1), "stddev must be a number, zero or more; received stddev=-1"),
        (lambda: layers.GaussianDropout(1), "needs a rate below 1"),
        (lambda: layers.AlphaDropout(2), "rate must be a number from 0 to 1; received rate=2"),
        (lambda: layers.Subtract()([layers.Input((3,))] * 3), "subtracts one input from another; received 3 inputs"),
        (lambda: constraints.get(abs), "A constraint is a name or"),
        (lambda: constraints.MaxNorm(axis=4)(X), r"axis=4 is no axis of a weight of shape \(20, 7\)"),
        (lambda: layers.Dense(3, kernel_constraint="max_nrm"), "Unknown constraint 'max_nrm'. Did you mean 'max_norm'"),
        (lambda: losses.MeanSquaredError(reduction="average"), "reduction must be"),
    ):
        with pytest.raises(ValueError, match=sentence):
            make()
    for module, name in ((layers, "LSTM"), (losses, "Dice"), (minicnn, "distribution"), (utils, "pad_sequences")):
        with pytest.raises(AttributeError, match=f"has no '{name}'. The names of Keras's that minicnn has"):
            getattr(module, name)


def test_a_model_without_a_description_is_copied_by_its_attributes():
    class Undescribed(TwoWays):
        get_config = minicnn.Model.get_config

    model = Undescribed(5)
    expected = model.predict(X, verbose=0)
    np.testing.assert_array_equal(copy.deepcopy(model).predict(X, verbose=0), expected)
    rate = optimizers.SGD(0.5).learning_rate
    assert pickle.loads(pickle.dumps({"learning_rate": [rate]})) == {"learning_rate": [0.5]}


def test_weights_of_rows_with_several_numbers_each(tf):
    values, weights = normal(2, 3, dtype=np.float32), np.array([1.0, 2.0], np.float32)
    means = metrics.Mean(), tf.keras.metrics.Mean()
    for mean in means:
        mean.update_state(values, sample_weight=weights)
    assert_close(*(float(mean.result()) for mean in means), 1e-6)
    results = []
    for k in (minicnn, tf.keras):
        model = k.Sequential([k.Input((7,)), k.layers.Dense(2)])
        model.set_weights([normal(7, 2, dtype=np.float32), np.zeros(2, np.float32)])
        model.compile("sgd", "mse", weighted_metrics=[lambda t, p: abs(t - p)])
        results.append(model.evaluate(X, X[:, :2].copy(), sample_weight=np.arange(N, dtype=np.float32), verbose=0))
    assert_close(*results, 1e-5)


def test_a_seed_that_is_no_number_is_refused():
    text = minicnn.Sequential([layers.Input((3,)), layers.Dropout(0.5, seed=1)]).to_json()
    with pytest.raises(ValueError, match="configuration is broken"):
        minicnn.models.model_from_json(text.replace('"seed": 1', '"seed": Infinity'))


def test_paths_of_weights(tf):
    def paths(k):
        k.utils.clear_session()
        row = k.Sequential([k.layers.Dense(3, name="d")])
        row.build((None, 4))
        inner, later = (
            k.Sequential([*first, k.layers.Dense(3, name="d")], name="inner") for first in ([k.Input((4,))], [])
        )
        outer = k.Sequential([k.Input((4,)), inner, k.layers.BatchNormalization(name="b")], name="outer")
        around = k.Sequential([k.Input((4,)), later], name="around")
        inputs = k.Input((4,))
        graph = k.Model(inputs, k.layers.Dense(3, name="d")(inputs))
        optimizer = k.optimizers.Adam()
        optimizer.build(around.trainable_variables)
        return [
            v.path
            for part in (row, outer, around, graph, optimizer)
            for v in getattr(part, "weights", None) or part.variables
        ]

    assert paths(minicnn) == paths(tf.keras)
