"""What programs for Keras use besides layers: settings, users' metrics and constraints, variables, clones."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from beside_keras import X, Y
from helpers import normal

import minicnn as keras


def test_settings_that_keras_has_in_backend_and_config(tf):
    for place in (keras.backend, keras.config):
        assert place.image_data_format() == "channels_last"
        assert place.epsilon() == tf.keras.backend.epsilon() and place.floatx() == "float32"
        place.set_image_data_format("channels_last")
        with pytest.raises(ValueError, match="channels_first"):
            place.set_image_data_format("channels_first")
        with pytest.raises(AttributeError, match=r"minicnn/README\.md lists"):
            place.learning_phase()
    first = keras.layers.Dense(1).name
    keras.backend.clear_session()
    assert keras.layers.Dense(1).name == "dense" != first + "_again"


def test_a_users_constraint_defines_call(each_backend):
    class Halved(keras.constraints.Constraint):
        def __call__(self, w):
            return w / 2

    layer = keras.layers.Dense(2, kernel_constraint=Halved(), use_bias=False)
    model = keras.Sequential([keras.Input((3,)), layer])
    model.compile(keras.optimizers.SGD(0.0), "mse")
    before = layer.kernel.numpy()
    model.train_on_batch(np.ones((4, 3)), np.ones((4, 2)))
    np.testing.assert_allclose(layer.kernel.numpy(), before / 2)
    with pytest.raises(NotImplementedError, match="__call__"):
        keras.constraints.Constraint().hold(before)


def test_a_users_metric_counts_in_weights(tf):
    def make(k, absolute):
        class MeanGap(k.metrics.Metric):
            def __init__(self, name="gap", **kwargs):
                super().__init__(name=name, **kwargs)
                self.total = self.add_weight(name="total", initializer="zeros")
                self.count = self.add_weight(name="count", shape=(), initializer="zeros")

            def update_state(self, y_true, y_pred, sample_weight=None):
                self.total.assign_add(absolute(y_true, y_pred))
                self.count.assign_add(len(y_pred))

            def result(self):
                return self.total / self.count

        return MeanGap()

    x, y = normal(20, 3, dtype=np.float32), normal(20, 1, seed=1, dtype=np.float32)
    histories = []
    for k, absolute in (
        (keras, lambda t, p: np.abs(t - p).sum()),
        (tf.keras, lambda t, p: tf.reduce_sum(tf.abs(t - p))),
    ):
        model = k.Sequential([k.Input((3,)), k.layers.Dense(1, kernel_initializer="ones")])
        metric = make(k, absolute)
        model.compile(k.optimizers.SGD(0.1), "mse", metrics=[metric], run_eagerly=True)
        histories.append(model.fit(x, y, batch_size=8, epochs=2, shuffle=False, verbose=0).history["gap"])
        assert [v.name for v in metric.variables] == ["total", "count"]
        metric.reset_state()
        assert float(metric.total) == 0
    np.testing.assert_allclose(*histories, rtol=1e-5)
    assert all(type(value) is float for value in histories[0])
    assert float(keras.metrics.Mean()([1.0, 2.0, 6.0])) == 3.0


def test_variables_calculate(tf):
    values = normal(2, 3, dtype=np.float32)
    ours, theirs = keras.Variable(values), tf.keras.Variable(values)
    for calculate in (
        lambda v: v + 1, lambda v: 2 * v - v, lambda v: v / 3, lambda v: v**2, lambda v: -v, lambda v: v @ values.T,
        lambda v: v[0], lambda v: v[:, 1:], lambda v: abs(v), lambda v: v > 0.5, lambda v: v == values[0],
        lambda v: v != values[0], lambda v: (v > 0) & (v < 1), lambda v: v + np.arange(3), lambda v: round(v),
    ):  # fmt: skip
        np.testing.assert_allclose(calculate(ours), calculate(theirs), rtol=1e-6)
    np.testing.assert_array_equal(np.maximum(ours, 0), np.maximum(values, 0))
    assert len(ours) == 2 and float(keras.Variable(2.5)) == 2.5 and int(keras.Variable(7, dtype="int32")) == 7
    np.testing.assert_array_equal(ours.assign(values + 1), values + 1)
    assert (ours == ours).all() and {ours: 1}[ours] == 1 and (ours + np.arange(3)).dtype == "float32"
    flag, theirs = keras.Variable([True, False]), tf.keras.Variable([True, False])
    np.testing.assert_array_equal([~flag, flag | True, True & flag], [~theirs, theirs | True, True & theirs])
    ones = keras.Variable("ones", shape=(2, 2))
    np.testing.assert_array_equal(ones, np.ones((2, 2), np.float32))
    counter = keras.Variable(0, dtype="int32", trainable=False)
    counter.assign_add(3)
    assert counter.dtype == "int32" and int(counter) == 3
    raised = ones
    raised += 1
    assert isinstance(raised, np.ndarray) and (ones.numpy() == 1).all()
    with pytest.raises(TypeError, match="assign"):
        np.add(ones, 1, out=ones)
    with pytest.raises(ValueError, match="copy=False"):
        np.array(ones, copy=False)


def test_results_have_numpy():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    y = model(np.ones((4, 3)))
    assert type((y * 2).numpy()) is np.ndarray and isinstance(y, np.ndarray)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    assert loss(np.zeros(4), y).numpy().dtype == np.float32 and isinstance(loss(np.zeros(4), y), float)
    metric = keras.metrics.SparseCategoricalAccuracy()
    metric.update_state(np.zeros(4), y)
    assert metric.result().numpy() in (np.float32(0), np.float32(1))


def test_one_epoch_has_no_headline_and_callbacks_add_to_the_line(capsys):
    class Adds(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["extra"] = 0.5

    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    history = model.fit(np.ones((4, 3)), np.ones(4), callbacks=[Adds()])
    out = capsys.readouterr().out
    assert "Epoch 1/1" not in out and "- extra: 0.5000" in out and history.history["extra"] == [0.5]
    model.fit(np.ones((4, 3)), np.ones(4), epochs=2)
    assert "Epoch 2/2" in capsys.readouterr().out
    assert model.loss == "mse" and set(model.get_metrics_result()) == {"loss"}


def test_a_clone_of_other_layers():
    inputs = keras.Input((4,))
    x = keras.layers.Dense(3, activation="relu", name="first")(inputs)
    model = keras.Model(inputs, keras.layers.Add(name="sum")([x, keras.layers.Dense(3, name="second")(x)]))

    def without_relu(layer):
        config = layer.get_config()
        if "activation" in config:
            config["activation"] = "tanh"
        return type(layer).from_config(config)

    for one in (model, keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, activation="relu", name="first")])):
        cloned = keras.models.clone_model(one, clone_function=without_relu)
        assert cloned.get_layer("first").get_config()["activation"] == "tanh"
        assert [layer.name for layer in cloned.layers] == [layer.name for layer in one.layers]
        assert cloned.layers[-1] is not one.layers[-1]


def test_copies_keep_what_the_optimizer_and_dropout_know():
    model = keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(4, name="a"), keras.layers.Dropout(0.5), keras.layers.Dense(2, name="b")]
    )
    optimizer = keras.optimizers.AdamW(0.1)
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    model.compile(optimizer, "mse")
    model.fit(np.ones((8, 3)), np.ones((8, 2)), verbose=0, epochs=3)
    model.layers[0].trainable = False
    again = copy.deepcopy(model)
    for one in (model, again):
        keras.utils.set_random_seed(5)
        one.layers[0].trainable = True
        one.fit(np.ones((8, 3)), np.ones((8, 2)), verbose=0, epochs=3)
    for a, b in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_layer_in_two_models_is_not_saved_as_two_layers(tmp_path):
    shared = keras.layers.Dense(3, name="shared")
    inner = keras.Sequential([keras.Input((3,)), shared], name="inner")
    inputs = keras.Input((3,))
    model = keras.Model(inputs, keras.layers.Add()([inner(inputs), shared(inputs)]), name="outer")
    with pytest.raises(ValueError, match=r"'shared' belongs to '(outer|inner)' and to"):
        model.save(tmp_path / "m.keras")


def test_integers_keep_their_digits():
    class Counting(keras.layers.Layer):
        def build(self, input_shape):
            self.seen = self.add_weight((), "zeros", dtype="int32", trainable=False, name="seen")

        def forward(self, x, training=False, need_saved=True):
            return x, None

        def backward(self, dy, saved, need_dx=True):
            return dy

    model = keras.Sequential([keras.Input((2,)), Counting()])
    model.set_weights([np.array(16777217)])
    assert int(model.get_weights()[0]) == 16777217 == int(copy.deepcopy(model).get_weights()[0])


def test_a_metric_may_give_several_numbers():
    class Extremes(keras.metrics.Metric):
        def __init__(self, name="extremes", **kwargs):
            super().__init__(name=name, **kwargs)
            self.values = []

        def update_state(self, y_true, y_pred, sample_weight=None):
            self.values += y_pred.reshape(-1).tolist()

        def result(self):
            return {"lowest": min(self.values), "highest": max(self.values)}

        def reset_state(self):
            self.values = []

    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse", metrics=[Extremes(dtype="float32"), keras.metrics.MeanAbsoluteError(dtype="float32")])
    x = normal(6, 2)
    history = model.fit(x, np.ones((6, 1)), verbose=0).history
    assert {"lowest", "highest", "mean_absolute_error"} < set(history)
    assert len(model.evaluate(x, np.ones((6, 1)), verbose=0)) == 4


def test_a_users_callbacks_may_begin_late():
    class Mine(keras.callbacks.EarlyStopping):
        def __init__(self):
            super().__init__(monitor="loss")
            self.seen = []

        def on_train_begin(self, logs=None):
            super().on_train_begin(logs)
            self.seen.append(self.model.name)

    assert Mine().best is None and Mine().wait == 0


def test_arguments_that_only_keras_looks_at_are_taken():
    model = keras.Sequential([keras.layers.Input((7,)), keras.layers.Dense(3, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy", run_eagerly=True, jit_compile=False, steps_per_execution=2)
    model.fit(X, Y, verbose=0)
