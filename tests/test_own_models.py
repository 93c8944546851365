"""Models that users write as classes."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from beside_keras import N, X, Y
from helpers import normal

import minicnn
from minicnn import layers, optimizers, utils


class TwoWays(minicnn.Model):
    """A user's model: one layer is used on the input and on the reversed input."""

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


def test_a_users_model(tmp_path):
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


def test_a_model_without_a_description_is_copied_by_its_attributes():
    class Undescribed(TwoWays):
        get_config = minicnn.Model.get_config

    model = Undescribed(5)
    expected = model.predict(X, verbose=0)
    np.testing.assert_array_equal(copy.deepcopy(model).predict(X, verbose=0), expected)
    rate = optimizers.SGD(0.5).learning_rate
    assert pickle.loads(pickle.dumps({"learning_rate": [rate]})) == {"learning_rate": [0.5]}


class Units(minicnn.Model):
    """Keeps no argument, and takes no name."""

    def __init__(self, units, *, rates=(0.1, 0.2), activation="tanh"):
        super().__init__()
        self.row = [layers.Dense(units, activation=activation), *(layers.Dropout(rate) for rate in rates)]

    def call(self, x, training=False):
        for layer in self.row:
            x = layer(x, training=training)
        return x


class UnitsAndName(Units):
    """Passes on what it does not know."""

    def __init__(self, *arguments, **options):
        name = options.pop("name", None)
        super().__init__(*arguments, **options)
        self.name = name or self.name


class UnitsOfAnArgument(Units):
    """Its argument has no name."""

    def __init__(self, *arguments):
        super().__init__(*arguments)


class Scaled(layers.Layer):
    """Keeps its argument under another name."""

    def __init__(self, by, offset=0.5, initializer=None, **kwargs):
        super().__init__(**kwargs)
        self._by, self.first = by, offset

    def call(self, x):
        return x * self._by + self.first


class ScaledAndDescribed(Scaled):
    def get_config(self):
        return {**super().get_config(), "by": self._by}


class Graph(minicnn.Model):
    """Has a graph, but is made from a number."""

    def __init__(self, units, name="small"):
        inputs = layers.Input((7,))
        super().__init__(inputs, layers.Dense(units)(inputs), name=name)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Units(3),
        lambda: Units(3, rates=[0.3], activation="relu"),
        lambda: UnitsAndName(units=3, name="mine"),
        lambda: Graph(3),
        lambda: minicnn.Sequential([layers.Input((7,)), Scaled(2.0, name="doubled"), layers.Dense(3)]),
        lambda: minicnn.Sequential(
            [layers.Input((7,)), Scaled([1.0] * 7, np.float32(1)), ScaledAndDescribed(np.int64(3))]
        ),
        lambda: minicnn.Sequential([layers.Dense(7), Graph(4, "within"), Units(5)]),
    ],
)
def test_a_class_without_get_config_is_described_by_its_arguments(make, tmp_path):
    """As Keras's "auto config"; Keras cannot load those whose constructor takes no name."""
    model = make()
    model.compile("adam", "mse")
    target = np.zeros(model.predict(X, verbose=0).shape)
    model.fit(X, target, verbose=0)
    model.save(tmp_path / "own.keras")
    own = [Units, UnitsAndName, Graph, Scaled, ScaledAndDescribed]
    again = minicnn.models.load_model(tmp_path / "own.keras", custom_objects={c.__name__: c for c in own})
    assert again.name == model.name and [type(layer) for layer in again.layers] == [
        type(layer) for layer in model.layers
    ]
    np.testing.assert_array_equal(again.predict(X, verbose=0), model.predict(X, verbose=0))
    assert again.evaluate(X, target, verbose=0) == model.evaluate(X, target, verbose=0)


def test_the_description_of_a_class_without_get_config(tmp_path):
    changed = [1, 2]
    layer = Scaled(changed, initializer=minicnn.initializers.HeNormal(seed=1), name="s", trainable=False)
    changed.append(3)
    config = layer.get_config()
    assert config["by"] == [1, 2] and config["offset"] == 0.5 and config["initializer"]["class_name"] == "HeNormal"
    again = Scaled.from_config(config)
    assert (again.name, again.trainable, again._by) == ("s", False, [1, 2])
    assert ScaledAndDescribed(2).get_config().keys() == {"name", "trainable", "dtype", "by"}  # as Keras's
    with pytest.raises(NotImplementedError, match=r"UnitsOfAnArgument was made with \*arguments=\(2,\)"):
        UnitsOfAnArgument(2).get_config()
    kept = Units(2)
    kept.units = 9  # it never held the argument
    assert kept.get_config()["units"] == 2
    for wrong in (layers.Dense(2), lambda x: x, X, {1: 2}):
        with pytest.raises(NotImplementedError, match=r"(?s)Scaled was made with by=.*define get_config"):
            Scaled(wrong).get_config()


def test_losses_metrics_and_schedules_of_ones_own_may_name_their_attributes_freely():
    class Focused(minicnn.losses.Loss):
        def __init__(self, gamma=2.0, name="focused"):
            super().__init__(name=name)
            self._power = gamma

        def call(self, y_true, y_pred):
            return minicnn.ops.mean((y_true - y_pred) ** self._power, axis=-1)

    class Described(Focused):
        def get_config(self):
            return {**super().get_config(), "gamma": self._power}

    assert Focused(4.0).get_config()["gamma"] == Described(4.0).get_config()["gamma"] == 4.0
    for made in (Focused, Described):
        assert made.from_config(made(4.0).get_config())._power == 4.0


class OfTwo(minicnn.Model):
    """A model that defines `call` and takes two inputs."""

    def __init__(self, inputs_of, **kwargs):
        super().__init__(**kwargs)
        self.inputs_of, self.add, self.dense = inputs_of, layers.Add(), layers.Dense(2)

    def call(self, inputs):
        return self.dense(self.add(self.inputs_of(inputs)))


@pytest.mark.parametrize("loss_weights", [None, 0.5])
@pytest.mark.parametrize("names", [None, ("a", "b")], ids=["list", "dictionary"])
def test_several_inputs_of_call_are_trained(names, loss_weights):
    """It trains as the functional model of the same layers does."""
    x, y = [X, X + 1], np.eye(2, dtype=np.float32)[Y % 2]
    given = x if names is None else dict(zip(names, x, strict=True))
    own = OfTwo(list if names is None else lambda inputs: [inputs[name] for name in names])
    own.predict(given, verbose=0)
    ends = [minicnn.Input((7,)), minicnn.Input((7,))]
    functional = minicnn.Model(ends, layers.Dense(2)(layers.Add()(ends)))
    functional.set_weights(own.get_weights())
    histories = []
    for model, data in ((own, given), (functional, x)):
        model.compile("adam", "mse", metrics=["mae"], loss_weights=loss_weights)
        fit = model.fit(data, y, epochs=3, batch_size=8, shuffle=False, verbose=0, validation_data=(data, y))
        histories.append(fit.history)
    assert histories[0] == histories[1]
    np.testing.assert_array_equal(own.get_weights()[0], functional.get_weights()[0])
    own.fit(mapped_nan(given), y, verbose=0)  # it tells where the NaN comes from


def mapped_nan(given):
    return {k: v * np.nan for k, v in given.items()} if isinstance(given, dict) else [v * np.nan for v in given]


def normed(k, takes):
    """A model of library k whose `call` takes the argument `training`, or not."""

    class Own(k.Model):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.first, self.norm = k.layers.Dense(4, dtype="float64"), k.layers.BatchNormalization(dtype="float64")
            self.drop, self.last = k.layers.Dropout(0.0, dtype="float64"), k.layers.Dense(1, dtype="float64")

        def compute(self, x, **mode):
            return self.last(self.drop(self.norm(self.first(x), **mode), **mode))

        if takes:

            def call(self, x, training=None):
                return self.compute(x, training=training)
        else:

            def call(self, x):
                return self.compute(x)

    return Own(dtype="float64")


@pytest.mark.parametrize("takes", [True, False], ids=["training in call", "no training in call"])
def test_a_call_without_training_computes_as_in_keras(tf, capsys, takes):
    """Keras 3 does not tell such a model that it trains: batch normalization and dropout work as in inference."""
    histories, weights, x = [], None, np.float64(X)
    for k in (minicnn, tf.keras):
        model = normed(k, takes)
        model(x[:1])
        weights = weights or [abs(normal(*w.shape, seed=i)) + 0.1 for i, w in enumerate(model.get_weights())]
        model.set_weights(weights)
        model.compile(k.optimizers.SGD(0.01), "mse")
        histories.append(model.fit(x, x[:, :1], batch_size=8, epochs=6, shuffle=False, verbose=0).history["loss"])
        assert any(np.array_equal(model.norm.moving_mean.numpy(), w) for w in weights) is not takes
    np.testing.assert_allclose(*histories, rtol=1e-6)  # Keras adds up its losses in float32
    told = (
        "minicnn: call of Own takes no argument training. So BatchNormalization and Dropout in it work as in inference"
    )
    assert (told in capsys.readouterr().out) is not takes


def test_a_compile_of_ones_own_is_not_called_from_a_file(tmp_path):
    @minicnn.utils.register_keras_serializable(package="TwoOptimizers")
    class TwoOptimizers(minicnn.Model):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.dense = minicnn.layers.Dense(2)

        def call(self, inputs):
            return self.dense(inputs)

        def compile(self, first, second):
            super().compile(optimizer=first, loss="mse")
            self.second = second

    model = TwoOptimizers()
    model.compile("sgd", "adam")
    model.fit(np.ones((4, 3)), np.ones((4, 2)), verbose=0)
    model.save(tmp_path / "model.keras")
    with pytest.warns(UserWarning, match="is not compiled, because TwoOptimizers has a compile of its own"):
        again = minicnn.models.load_model(tmp_path / "model.keras")
    assert not again.compiled
    np.testing.assert_array_equal(again(np.ones((1, 3))), model(np.ones((1, 3))))


def test_what_compile_keeps_in_a_file_may_be_defined(tmp_path):
    @minicnn.saving.register_keras_serializable()
    class Weighted(minicnn.Model):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.dense = minicnn.layers.Dense(2)

        def call(self, inputs):
            return self.dense(inputs)

        def compile(self, optimizer, second, share):
            super().compile(optimizer, loss="mse")
            self.second, self.share = second, share

        def get_compile_config(self):
            return {"optimizer": self.optimizer, "second": self.second, "share": self.share}

        def compile_from_config(self, config):
            made = minicnn.saving.deserialize_keras_object
            self.compile(made(config["optimizer"]), made(config["second"]), config["share"])

    model = Weighted()
    model.compile(minicnn.optimizers.SGD(0.5), minicnn.optimizers.Adam(0.25), 0.75)
    model.fit(np.ones((4, 3)), np.ones((4, 2)), verbose=0)
    for name in ("model.keras", "model.h5"):
        model.save(tmp_path / name)
        again = minicnn.models.load_model(tmp_path / name)
        assert float(again.second.learning_rate) == 0.25 and again.share == 0.75
        assert float(again.optimizer.learning_rate) == 0.5 and int(again.optimizer.iterations) == 1
