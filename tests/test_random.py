"""`minicnn.random`: Keras's distributions, on arrays and within a `call`."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import minicnn
from minicnn import layers, ops, random

N = 20_000
DISTRIBUTIONS = {
    "normal": lambda r: r.normal((N,), 1.0, 2.0, seed=3),
    "uniform": lambda r: r.uniform((N,), -1.0, 3.0, seed=3),
    "whole": lambda r: r.randint((N,), 2, 9, seed=3),
    "truncated": lambda r: r.truncated_normal((N,), 1.0, 2.0, seed=3),
    "binomial": lambda r: r.binomial((N,), 10.0, 0.3, seed=3),
    "beta": lambda r: r.beta((N,), 2.0, 0.7, seed=3),
    "gamma": lambda r: r.gamma((N,), 2.5, seed=3),
    "dropout": lambda r: r.dropout(np.full((N,), 2.0, np.float32), 0.3, seed=3),
    "categorical": lambda r: r.categorical(np.log([[0.1, 0.2, 0.7]]), N, seed=3),
}


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_distributions_are_keras_s(tf, name):
    mine, wanted = DISTRIBUTIONS[name](random), np.asarray(DISTRIBUTIONS[name](tf.keras.random))
    assert mine.shape == wanted.shape and mine.dtype == wanted.dtype
    both = np.sort(np.concatenate([mine.ravel(), wanted.ravel()]))
    below = [np.searchsorted(np.sort(numbers.ravel()), both, "right") / numbers.size for numbers in (mine, wanted)]
    assert abs(below[0] - below[1]).max() <= 0.02, "the distance of Kolmogorov and Smirnov"
    assert abs(mine.mean() - wanted.mean()) <= 6 * wanted.std() / np.sqrt(N)
    assert mine.std() == pytest.approx(wanted.std(), rel=0.05)
    np.testing.assert_array_equal(DISTRIBUTIONS[name](random), mine, "the same seed, the same numbers")


def test_seeds():
    generator = random.SeedGenerator(7)
    first, second = random.normal((4,), seed=generator), random.normal((4,), seed=generator)
    assert (first != second).any()
    again = random.SeedGenerator.from_config(generator.get_config())
    np.testing.assert_array_equal(random.normal((4,), seed=again), first)
    assert list(again.next()) == [7, 1] and list(again.next()) == [7, 2]
    minicnn.utils.set_random_seed(1)
    free = random.uniform((3,)), random.uniform((3,))
    minicnn.utils.set_random_seed(1)
    np.testing.assert_array_equal(random.uniform((3,)), free[0])
    assert (free[0] != free[1]).any()
    assert sorted(random.shuffle(np.arange(9), seed=2)) == list(range(9)) != list(random.shuffle(np.arange(9), seed=2))
    with pytest.raises(ValueError, match="draws floats"):
        random.uniform((2,), 0, 9, dtype="int32")
    with pytest.raises(ValueError, match="seed must be an integer"):
        random.normal((2,), seed="a")
    with pytest.raises(ValueError, match="zero or more"):
        random.SeedGenerator(-1)


class Noisy(layers.Layer):
    """x plus noise of a kind, in training."""

    def __init__(self, draw, **kwargs):
        super().__init__(**kwargs)
        self.draw, self.generator = draw, random.SeedGenerator(5)

    def call(self, x, training=None):
        return x + self.draw(ops.shape(x), self.generator) if training else x


DRAWN = {
    "normal": (lambda shape, seed: random.normal(shape, 1.0, 2.0, seed=seed), 1.0, 2.0),
    "uniform": (lambda shape, seed: random.uniform(shape, -1.0, 3.0, seed=seed), 1.0, 4 / np.sqrt(12)),
    "whole": (lambda shape, seed: random.randint(shape, 0, 3, seed=seed), 1.0, np.sqrt(2 / 3)),
    "dropout": (lambda shape, seed: random.dropout(ops.ones(shape), 0.2, seed=seed), 1.0, 0.5),
    "of no seed": (lambda shape, seed: random.normal(shape), 0.0, 1.0),
}


@pytest.mark.parametrize("kind", [kind for kind in DRAWN if kind != "dropout"])
def test_a_call_draws_other_numbers_in_every_pass(kind):
    draw, mean, deviation = DRAWN[kind]
    layer, zeros = Noisy(draw), np.zeros((50, 200), np.float32)
    first, second = np.asarray(layer(zeros, training=True)), np.asarray(layer(zeros, training=True))
    assert (first != second).any() and not np.asarray(layer(zeros)).any()
    assert first.mean() == pytest.approx(mean, abs=0.1) and first.std() == pytest.approx(deviation, rel=0.05)
    if kind == "whole":
        assert set(np.unique(first)) == {0, 1, 2}
    smaller = np.asarray(layer(zeros[:7], training=True))
    assert smaller.shape == (7, 200) and smaller.std() == pytest.approx(deviation, rel=0.1)


def test_an_integer_seed_gives_the_same_numbers_in_every_pass():
    layer = Noisy(lambda shape, seed: random.normal(shape, seed=3))
    x = np.zeros((4, 3), np.float32)
    np.testing.assert_array_equal(layer(x, training=True), layer(x, training=True))
    np.testing.assert_array_equal(layer(x, training=True), random.normal((4, 3), seed=3))


def test_dropout_of_a_symbol_is_drawn_anew_and_has_its_gradient():
    class Dropping(layers.Layer):
        def call(self, x):
            return random.dropout(x, 0.5)

    layer, x = Dropping(), np.ones((30, 40), np.float32)
    y, saved = layer.forward(x, True, True)
    dx = layer.backward(np.ones_like(x), saved)
    np.testing.assert_array_equal(dx, y)
    assert set(np.unique(y)) == {0, 2} and (np.asarray(layer(x)) != np.asarray(layer(x))).any()


def test_what_only_arrays_have_says_so():
    for draw in (random.truncated_normal, lambda shape: random.gamma(shape, 1.0)):
        layer = Noisy(lambda shape, seed, draw=draw: draw(shape))
        with pytest.raises(TypeError, match="draws arrays, and cannot be used in call"):
            layer(np.zeros((2, 3)), training=True)
    with pytest.raises(ValueError, match="need every size"):
        random.normal((None, 3))


def test_the_state_of_a_generator_is_in_files(tf, tmp_path):
    """The next numbers after loading are those that would have come without saving; Keras opens the file too."""

    def model(k):
        class Sampling(k.layers.Layer):
            def __init__(self, **kwargs):
                super().__init__(**kwargs)
                self.source = k.random.SeedGenerator(5)

            def call(self, x, training=None):
                return x + k.random.normal(k.ops.shape(x), seed=self.source)

        return k.Sequential([k.layers.Input((3,)), Sampling(name="sampling"), k.layers.Dense(2)])

    x = np.ones((4, 3), np.float32)
    mine, again, theirs = model(minicnn), model(minicnn), model(tf.keras)
    mine.predict(x, verbose=0)
    mine.save_weights(tmp_path / "model.weights.h5")
    expected = mine.predict(x, verbose=0)
    again.load_weights(tmp_path / "model.weights.h5")
    np.testing.assert_array_equal(again.predict(x, verbose=0), expected)
    theirs.load_weights(tmp_path / "model.weights.h5")
    theirs.save_weights(tmp_path / "theirs.weights.h5")
    again.load_weights(tmp_path / "theirs.weights.h5")
    np.testing.assert_array_equal(again.get_weights()[0], mine.get_weights()[0])


def test_uniform_numbers_in_a_call_stay_below_their_bound(monkeypatch):
    """In float32 the share of the distribution below a large number rounds to 1."""

    class Draws(layers.Layer):
        def call(self, x):
            monkeypatch.setattr(random, "_normal_symbol", lambda *_: x)
            return random.uniform((29,)), random.uniform((29,), 5, 6), random.randint((29,), 0, 10)

    unit, near_six, digits = Draws()(np.linspace(-7, 7, 29, dtype=np.float32)[None])
    assert unit.min() >= 0 and 0.9999 < unit.max() < 1 and near_six.min() >= 5 and near_six.max() < 6
    assert digits.min() == 0 and digits.max() == 9


def test_normal_numbers_around_symbols():
    class Sampled(layers.Layer):
        def call(self, x):
            return random.normal((2,), mean=x[0], stddev=ops.exp(x[1]), seed=random.SeedGenerator(1))

    sampled = Sampled()
    numbers = np.array([sampled(np.array([[5.0, -5.0], [-9.0, -9.0]])) for _ in range(3)])
    np.testing.assert_allclose(numbers, [[5, -5]] * 3, atol=1e-2)
    assert len(np.unique(numbers)) > 2


class WithGenerator(layers.Layer):
    """Adds numbers of its own generator."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.source = random.SeedGenerator(5)

    def call(self, x):
        return x + random.normal(ops.shape(x), seed=self.source)


def test_a_copy_goes_on_with_the_next_numbers():
    x = np.ones((4, 3), np.float32)
    model = minicnn.Sequential([layers.Input((3,)), WithGenerator(), layers.Dense(2)])
    model.predict(x, verbose=0)
    copies = copy.deepcopy(model), pickle.loads(pickle.dumps(model))
    expected = model.predict(x, verbose=0)
    for again in copies:
        np.testing.assert_array_equal(again.predict(x, verbose=0), expected)
