"""Learning-rate schedules give Keras's numbers, and optimizers follow them step by step."""

from __future__ import annotations

import numpy as np
import pytest
from helpers import assert_close, normal

import minicnn
from minicnn.optimizers import schedules

SCHEDULES = {
    "exponential": lambda s: s.ExponentialDecay(0.1, 10, 0.5),
    "exponential, staircase": lambda s: s.ExponentialDecay(0.1, 10, 0.5, staircase=True),
    "inverse time": lambda s: s.InverseTimeDecay(0.1, 7, 0.5),
    "inverse time, staircase": lambda s: s.InverseTimeDecay(0.1, 7, 0.5, staircase=True),
    "piecewise": lambda s: s.PiecewiseConstantDecay([5, 20], [0.1, 0.01, 0.001]),
    "polynomial": lambda s: s.PolynomialDecay(0.1, 25, 0.01, power=2.0),
    "polynomial, cycle": lambda s: s.PolynomialDecay(0.1, 12, 0.01, cycle=True),
    "cosine": lambda s: s.CosineDecay(0.1, 30, alpha=0.1),
    "cosine, warm-up": lambda s: s.CosineDecay(0.0, 30, warmup_target=0.2, warmup_steps=8),
    "restarts": lambda s: s.CosineDecayRestarts(0.1, 7, t_mul=2.0, m_mul=0.8, alpha=0.01),
    "restarts of equal length": lambda s: s.CosineDecayRestarts(0.1, 9, t_mul=1.0),
}


@pytest.mark.parametrize("make", SCHEDULES.values(), ids=SCHEDULES)
def test_every_step_has_the_rate_of_keras(tf, make):
    ours, theirs = make(schedules), make(tf.keras.optimizers.schedules)
    for step in range(60):
        assert ours(step) == pytest.approx(float(theirs(step)), abs=1e-7)
    again = schedules.deserialize(schedules.serialize(ours))
    assert again.get_config() == ours.get_config() and again(17) == ours(17)


@pytest.mark.parametrize("optimizer", ["SGD", "Adam", "AdamW", "RMSprop"])
def test_optimizers_follow_the_schedule(tf, tmp_path, optimizer):
    x, y = normal(20, 3, dtype=np.float32), normal(20, 1, seed=1, dtype=np.float32)

    def trained(k, weights=None):
        model = k.Sequential([k.layers.Input((3,)), k.layers.Dense(1)])
        if weights:
            model.set_weights(weights)
        rate = k.optimizers.schedules.ExponentialDecay(0.1, 3, 0.5)
        start = model.get_weights()
        model.compile(getattr(k.optimizers, optimizer)(rate), "mse")
        model.fit(x, y, batch_size=4, epochs=2, shuffle=False, verbose=0)
        return model, start

    ours, start = trained(minicnn)
    theirs, _ = trained(tf.keras, start)
    for one, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        assert_close(one, np.asarray(other), 1e-5)
    assert ours.optimizer.learning_rate == pytest.approx(0.1 * 0.5 ** (10 / 3))
    with pytest.raises(TypeError, match="follows ExponentialDecay"):
        ours.optimizer.learning_rate = 0.1
    ours.save(tmp_path / "ours.keras")
    again = tf.keras.models.load_model(tmp_path / "ours.keras")
    assert float(again.optimizer.learning_rate) == pytest.approx(ours.optimizer.learning_rate, rel=1e-5)
    theirs.save(tmp_path / "theirs.keras")
    loaded = minicnn.models.load_model(tmp_path / "theirs.keras")
    assert loaded.optimizer.learning_rate == pytest.approx(ours.optimizer.learning_rate, rel=1e-5)


def test_mistakes_are_reported():
    with pytest.raises(ValueError, match="one value more than boundaries"):
        schedules.PiecewiseConstantDecay([1, 2], [0.1, 0.2])
    with pytest.raises(ValueError, match="decay_steps must be positive"):
        schedules.CosineDecay(0.1, 0)


def test_a_schedule_of_ones_own_may_give_an_array():
    class Halved(schedules.LearningRateSchedule):
        def __call__(self, step):
            return minicnn.ops.convert_to_tensor(0.5) / (step + 1)

    model = minicnn.Sequential([minicnn.Input((1,)), minicnn.layers.Dense(1, kernel_initializer="ones")])
    model.compile(minicnn.optimizers.SGD(Halved()), lambda y, p: p)
    model.fit(np.ones((2, 1)), np.ones((2, 1)), batch_size=1, verbose=0)
    np.testing.assert_allclose(model.get_weights()[0], [[1 - 0.5 - 0.25]])
    assert model.optimizer.learning_rate == pytest.approx(0.5 / 3)
