"""Predictions of small batches are replayed from a recording, and give bit for bit what the layers' code gives."""

from __future__ import annotations

import copy
import pickle
import threading

import layer_zoo
import numpy as np
import pytest
from helpers import labels, normal

import minicnn
from minicnn import backend, layers
from minicnn.kernels.cpu import recording, workspace
from minicnn.models import prediction

X = normal(12, 8, 8, 3, dtype="float32")


def network():
    minicnn.utils.set_random_seed(1)
    return minicnn.Sequential([
        layers.Input((8, 8, 3)), layers.BatchNormalization(), layers.Rescaling(0.5),
        layers.Conv2D(16, 3, padding="same", activation="elu"), layers.MaxPooling2D(2),
        layers.DepthwiseConv2D(3), layers.BatchNormalization(), layers.ReLU(), layers.AveragePooling2D(2),
        layers.Conv2D(16, 3, padding="same", activation="elu"), layers.Flatten(), layers.Dropout(0.5),
        layers.Dense(6, activation="relu"),
        layers.Dense(3, activation="softmax"),
    ])  # fmt: skip


@pytest.fixture
def replays(monkeypatch):
    """The replays so far, one entry for each."""
    played, replay = [], recording.Recording.replay
    monkeypatch.setattr(recording.Recording, "replay", lambda self, inputs: played.append(1) or replay(self, inputs))
    return played


def expected(model, x):
    """What the layers' code gives."""
    y, _ = model.forward(x, False, False)
    return np.array(y)


def warm(model, x=X[:1]):
    for _ in range(3):
        model(x)


@pytest.mark.parametrize("name, make, shapes", layer_zoo.LAYERS, ids=[case[0] for case in layer_zoo.LAYERS])
def test_every_layer_is_replayed_as_it_runs(name, make, shapes):
    minicnn.utils.set_random_seed(0)
    several, shapes = isinstance(shapes, list), shapes if isinstance(shapes, list) else [shapes]
    inputs = [layers.Input(shape[1:]) for shape in shapes]
    layer = make(layers)
    model = minicnn.Model(inputs, layer(inputs if several else inputs[0]))
    for seed in range(5):
        xs = [normal(*shape, seed=seed + 7 * i, dtype="float32") for i, shape in enumerate(shapes)]
        found = model(xs if several else xs[0])
        plain, _ = model.forward([x.copy() for x in xs] if several else xs[0].copy(), None, False)
        if not name.startswith("Random"):
            np.testing.assert_array_equal(np.asarray(found), plain)


@pytest.mark.parametrize("ask", [lambda m, x: m(x), lambda m, x: m.predict(x, verbose=0)], ids=["call", "predict"])
def test_calls_are_replayed_from_the_fourth_on(ask, replays):
    model = network()
    for i in range(8):
        y = ask(model, X[i : i + 1])
        assert y.shape == (1, 3)
        np.testing.assert_array_equal(np.asarray(y), expected(model, X[i : i + 1]))
    assert len(replays) == 5


def test_several_shapes_have_recordings_of_their_own(replays):
    model = network()
    for _ in range(4):
        for n in (1, 2, 3):
            np.testing.assert_array_equal(np.asarray(model(X[:n])), expected(model, X[:n]))
    assert len(replays) == 3
    for n in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 1, 2):  # more than are kept
        np.testing.assert_array_equal(np.asarray(model(X[:n])), expected(model, X[:n]))


def at_most(images, monkeypatch):
    """Let predictions compute at most so many images at once."""
    monkeypatch.setattr(prediction.Prediction, "_images_at_once", lambda self, numbers: images)


def test_parts_are_as_large_as_the_cache_and_the_weights_ask_for():
    def images(numbers, weights):
        model = minicnn.Sequential([layers.Input((weights - 1,)), layers.Dense(1)])
        return model._prediction._images_at_once(numbers)

    assert images(1 << 15, 1 << 10) == 64  # small images: what the cache holds
    assert images(1 << 15, 1 << 19) == 128  # more of them, if each part reads many weights
    assert images(1 << 20, 1 << 10) == 4  # large images: a few for the threads
    assert images(1 << 22, 1 << 10) == 2  # as far as memory allows
    assert images(1 << 24, 1 << 10) == 0
    assert images(1 << 22, 1 << 25) == 8  # with many weights memory is no concern


def test_a_large_batch_is_computed_in_parts(monkeypatch, replays):
    model, x = network(), np.concatenate([X] * 3)
    at_most(7, monkeypatch)
    for ask in (model, lambda x: model.predict(x, batch_size=36, verbose=0)):
        for _ in range(3):
            parts = [expected(model, x[start : start + 6]) for start in range(0, 36, 6)]
            np.testing.assert_array_equal(np.asarray(ask(x)), np.concatenate(parts))
    assert len(replays) == 36 - 6
    np.testing.assert_allclose(np.asarray(model(x)), expected(model, x), atol=1e-6)
    for n in (13, 0, 1):
        np.testing.assert_allclose(np.asarray(model(x[:n])), expected(model, x[:n]), atol=1e-6)


def test_the_largest_array_of_a_users_layers_is_found():
    class Halves(layers.Layer):
        gives_several = True

        def compute_output_shape(self, input_shape):
            return [(*input_shape[:-1], 1), (None, 8, 8, input_shape[-1] - 1)]

        def forward(self, x, training=False, need_saved=True):
            return [x[..., :1], x[..., 1:]], None

    class Unknown(layers.Layer):
        def compute_output_shape(self, input_shape):
            return (None, None, 8, 2)

        def forward(self, x, training=False, need_saved=True):
            return x * 2, None

    inputs = layers.Input((8, 8, 3))
    model = minicnn.Model(inputs, Unknown()(Halves()(inputs)[1]))
    assert model.largest_output((5, 8, 8, 3)) == 8 * 8 * 2
    for _ in range(4):
        np.testing.assert_array_equal(np.asarray(model(X)), X[..., 1:] * 2)


@pytest.mark.parametrize("with_length", [True, False])
def test_parts_of_batches_are_joined(with_length, monkeypatch):
    class Seen(minicnn.callbacks.Callback):
        def on_predict_batch_end(self, batch, logs=None):
            seen.append(np.array(logs["outputs"]))

    model, seen = network(), []
    at_most(5, monkeypatch)
    if with_length:
        found = model.predict(X, batch_size=8, callbacks=[Seen()], verbose=0)
    else:
        found = model.predict((X[start : start + 8] for start in (0, 8)), steps=2, callbacks=[Seen()], verbose=0)
    np.testing.assert_allclose(found, expected(model, X), atol=1e-6)
    assert [len(outputs) for outputs in seen] == [8, 4]
    np.testing.assert_array_equal(np.concatenate(seen), found)


def test_images_too_large_for_a_recording_are_computed_one_by_one(monkeypatch, replays):
    model = network()
    at_most(0, monkeypatch)
    for _ in range(5):
        np.testing.assert_allclose(np.asarray(model(X)), expected(model, X), atol=1e-6)
    assert not replays
    assert not model._prediction.recorded


@pytest.mark.parametrize("N", [1, 2, 7, 30, 31, 97, 128, 1000])
@pytest.mark.parametrize("most", [0, 1, 2, 5, 16, 30, 100])
def test_parts_are_of_one_size_if_possible(N, most):
    size = prediction.size_of_part(N, most)
    assert 1 <= size <= max(most, 1)
    assert -(-N // size) <= 2 * -(-N // max(most, 1))
    if any(N % divisor == 0 for divisor in range(most // 2 + 1, most + 1)):
        assert N % size == 0


def minus_mean_of_the_batch():
    class MinusMean(layers.Layer):
        def forward(self, x, training=False, need_saved=True):
            return x - x.mean(axis=0), None

    return minicnn.Sequential([layers.Input((8, 8, 3)), MinusMean()])


def normalization_that_always_trains():
    inputs = layers.Input((8, 8, 3))
    return minicnn.Model(inputs, layers.BatchNormalization(momentum=1.0)(inputs, training=True))


def one_within_another():
    inputs = layers.Input((8, 8, 3))
    return minicnn.Model(inputs, normalization_that_always_trains()(inputs))


@pytest.mark.parametrize("make", [minus_mean_of_the_batch, normalization_that_always_trains, one_within_another])
def test_images_that_depend_on_each_other_stay_together(make, monkeypatch):
    model = make()
    at_most(5, monkeypatch)
    for _ in range(4):
        np.testing.assert_array_equal(np.asarray(model(X)), expected(model, X))


def test_penalties_of_a_large_batch_are_added_up_once(monkeypatch):
    model = minicnn.Sequential([layers.Input((3,)), layers.Dense(2, activity_regularizer="l2")])
    at_most(4, monkeypatch)
    x = normal(10, 3, dtype="float32")
    y = np.asarray(model(x), np.float64)
    np.testing.assert_allclose(model.losses, [0.01 * (y**2).sum() / 10], rtol=1e-5)


def test_recordings_share_their_memory_but_not_what_is_made_of_weights(monkeypatch):
    monkeypatch.setattr(workspace, "_LARGE", 1)
    made, record = [], recording.Recording.record
    monkeypatch.setattr(
        recording.Recording, "record", lambda self, function: (record(self, function), made.append(self))[0]
    )
    model = network()
    for _ in range(4):
        for n in (3, 5, 3):
            np.testing.assert_array_equal(np.asarray(model(X[:n])), expected(model, X[:n]))
    shared = [buffer for entries in model._prediction.idle.values() for buffer, _, _ in entries]
    assert len(made) == 2
    for one in made:
        written = [np.asarray(value) for _, arguments in one.preparation for value in arguments if np.ndim(value)]
        assert written
        assert not any(np.may_share_memory(array, buffer) for array in written for buffer in shared)
        used = [value for _, arguments in one.calls for value in arguments if isinstance(value, np.ndarray)]
        assert any(np.may_share_memory(array, buffer) for array in used for buffer in shared)


def test_few_recordings_of_a_model_with_many_weights_are_kept(monkeypatch):
    model = network()
    monkeypatch.setattr(prediction, "_MOST_WEIGHTS", model.count_params())
    for n in (1, 2, 3, 4):
        warm(model, X[:n])
    assert [shape[0] for *_, shape in model._prediction.recorded] == [3, 4]


def test_outputs_stay_when_the_model_is_called_again():
    model = network()
    warm(model)
    first = model(X[:1])
    kept = np.array(first)
    model(X[1:2])
    np.testing.assert_array_equal(np.asarray(first), kept)
    assert first.flags.writeable


CHANGES = {
    "set_weights": lambda model: model.set_weights([w * 1.5 for w in model.get_weights()]),
    "assign": lambda model: model.layers[2].kernel.assign(model.layers[2].kernel * 2),
    "one number of the array": lambda model: model.layers[2].kernel.value.__setitem__((0, 0, 0, 0), 5.0),
    "another array": lambda model: setattr(model.layers[2].kernel, "value", model.layers[2].kernel.value * 3),
    "the folded statistics": lambda model: model.layers[5].moving_mean.assign(np.ones(16)),
    "the statistics of a call": lambda model: model(X, training=True),
    "the statistics of many calls": lambda model: [model(X, training=True) for _ in range(6)],
    "a transformed kernel": lambda model: model.layers[8].kernel.assign_sub(1),
    "apply_gradients": lambda model: minicnn.optimizers.SGD(1.0).apply_gradients(
        [(np.ones(v.shape, v.dtype), v) for v in model.trainable_variables]
    ),
    "one batch": lambda model: (
        model.compile("sgd", "sparse_categorical_crossentropy"),
        model.train_on_batch(X, labels(12, classes=3)),
    ),
    "a constraint": lambda model: (
        setattr(model.layers[2].kernel, "constraint", minicnn.constraints.UnitNorm()),
        minicnn.optimizers.SGD(0.0).apply_gradients([(np.zeros_like(model.layers[2].kernel), model.layers[2].kernel)]),
    ),
    "training": lambda model: (
        model.compile("adam", "sparse_categorical_crossentropy"),
        model.fit(X, labels(12, classes=3), verbose=0),
    ),
    "an activation": lambda model: setattr(model.layers[2], "activation", minicnn.activations.get("tanh")),
    "an attribute": lambda model: setattr(model.layers[1], "scale", 2.0),
    "the last layer removed": lambda model: model.pop(),
    "a layer added": lambda model: model.add(layers.Dense(4)),
    "frozen": lambda model: setattr(model, "trainable", False),
    "loaded": lambda model: model.set_weights(network_of_another_seed().get_weights()),
}


def network_of_another_seed():
    model = network()
    model.set_weights([np.abs(normal(*w.shape, seed=i)) for i, w in enumerate(model.get_weights())])
    return model


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_changed_model_predicts_anew(change):
    model = network()
    warm(model)
    model.predict(X[:1], verbose=0)
    before = np.array(model(X[:1]))
    change(model)
    for _ in range(5):
        found = np.asarray(model(X[:1]))
        np.testing.assert_array_equal(found, expected(model, X[:1]))
        np.testing.assert_array_equal(np.asarray(model.predict(X[:1], verbose=0)), found)
    assert before.shape == (1, 3)


def test_a_weight_may_be_changed_through_an_array_taken_before():
    model = network()
    kernel = model.layers[8].kernel.value
    warm(model)
    for _ in range(3):
        kernel += 1
        for _ in range(2):
            np.testing.assert_array_equal(np.asarray(model(X[:1])), expected(model, X[:1]))


def test_an_array_given_as_a_weight_may_be_changed_later():
    model, kernel = network(), normal(3, 3, 16, 16, dtype="float32")
    model.layers[8].kernel.value = kernel
    warm(model)
    kernel *= 2
    np.testing.assert_array_equal(np.asarray(model(X[:1])), expected(model, X[:1]))


def test_a_users_optimizer_may_keep_a_weight_and_change_it_later():
    kept = []

    class Keeping(minicnn.optimizers.SGD):
        def update(self, w, gradient, memory, rate):
            kept.append(w)
            super().update(w, gradient, memory, rate)

    model = network()
    model.compile(Keeping(0.01), "sparse_categorical_crossentropy")
    model.fit(X, labels(12, classes=3), verbose=0)
    warm(model)
    for w in {id(w): w for w in kept}.values():
        w *= 1.5
    np.testing.assert_array_equal(np.asarray(model(X[:1])), expected(model, X[:1]))


def test_a_normalization_that_always_trains_changes_what_others_prepared():
    inputs = minicnn.Input((4, 4, 2))
    normalization = layers.BatchNormalization()
    training = minicnn.Model(inputs, normalization(inputs, training=True))
    other = minicnn.Model(inputs, normalization(inputs))
    both = minicnn.Model(inputs, normalization(normalization(inputs, training=True)))
    x = 3 + normal(1, 4, 4, 2, dtype="float32")
    for _ in range(6):
        for model in (training, other):
            found = np.asarray(model(x))
        np.testing.assert_array_equal(found, expected(other, x))
        mean, variance = normalization.moving_mean.numpy(), normalization.moving_variance.numpy()
        found = np.asarray(both(x))
        normalization.moving_mean.assign(mean)
        normalization.moving_variance.assign(variance)
        np.testing.assert_array_equal(found, expected(both, x))


def test_an_interrupted_preparation_is_done_again(monkeypatch):
    model = network()
    warm(model)
    model(X[:1])
    made = next(iter(model._prediction.recorded.values())).replay.__self__
    model.layers[8].kernel.assign_add(1)

    def interrupt():
        raise KeyboardInterrupt

    made.preparation.insert(0, (interrupt, ()))
    with pytest.raises(KeyboardInterrupt):
        model(X[:1])
    del made.preparation[0]
    np.testing.assert_array_equal(np.asarray(model(X[:1])), expected(model, X[:1]))


def test_weights_are_prepared_once_and_again_after_a_change(monkeypatch):
    model, runs, keep = network(), [], recording.Recording.record
    monkeypatch.setattr(recording.Recording, "record", lambda self, function: (keep(self, function), counted(self))[0])

    def counted(made):
        assert len(made.preparation) > 5
        made.preparation.append((lambda: runs.append(1), ()))

    warm(model)
    for _ in range(4):
        model(X[:1])
    assert len(runs) == 1
    model.layers[8].bias.assign_add(1)
    for _ in range(4):
        model(X[:1])
    assert len(runs) == 2


def test_another_backend_computes_anew():
    model = network()
    warm(model)
    y = np.asarray(model(X[:1]))
    with_numpy = []
    try:
        backend.set_backend("numpy")
        for _ in range(4):
            with_numpy.append(np.asarray(model(X[:1])))
    finally:
        backend.set_backend("cpu")
    for other in with_numpy:
        np.testing.assert_array_equal(other, with_numpy[0])
        np.testing.assert_allclose(other, y, atol=1e-5)
    np.testing.assert_array_equal(np.asarray(model(X[:1])), y)


def test_another_backend_is_asked_for_every_batch():
    model = network()
    warm(model)
    try:
        for name in ("numpy", "cpu", "numpy"):
            backend.set_backend(name)
            for i in range(8):
                np.testing.assert_allclose(np.asarray(model(X[i : i + 1])), expected(model, X[i : i + 1]), atol=1e-6)
    finally:
        backend.set_backend("cpu")


def test_an_input_with_one_image_for_all_is_not_split(monkeypatch):
    at_most(5, monkeypatch)
    inputs = [layers.Input((4,)), layers.Input((4,))]
    model = minicnn.Model(inputs, layers.Add()(inputs))
    x, z = normal(12, 4, dtype="float32"), normal(1, 4, dtype="float32")
    for _ in range(4):
        np.testing.assert_array_equal(np.asarray(model([x, z])), x + z)


@pytest.mark.parametrize("N", [4, 64])
def test_threads_predict_at_the_same_time(N):
    """Kernels run without the GIL, and each thread has its own scratch memory."""
    minicnn.utils.set_random_seed(0)
    model = minicnn.Sequential([
        layers.Input((16, 16, 8)), layers.Conv2D(64, 3, padding="same"), layers.Conv2D(64, 5, padding="same"),
        layers.Flatten(), layers.Dense(10),
    ])  # fmt: skip
    x = normal(128, 16, 16, 8, dtype="float32")
    answer, wrong = model.predict(x, batch_size=N, verbose=0), []
    for _ in range(4):
        model.predict(x, batch_size=N, verbose=0)

    def ask():
        for _ in range(12):
            if not np.allclose(model.predict(x, batch_size=N, verbose=0), answer, atol=1e-3):
                wrong.append(1)

    threads = [threading.Thread(target=ask) for _ in range(2)]
    [thread.start() for thread in threads]
    ask()
    [thread.join() for thread in threads]
    assert not wrong


def test_threads_share_a_model():
    model = network()
    warm(model)
    answers = {i: expected(model, X[i : i + 1]) for i in range(12)}
    wrong = []

    def ask():
        for i in [*range(12)] * 10:
            if not np.array_equal(np.asarray(model(X[i : i + 1])), answers[i]):
                wrong.append(i)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    [thread.start() for thread in threads], [thread.join() for thread in threads]
    assert not wrong


class Doubled(layers.Layer):
    factor = 2

    def forward(self, x, training=False, need_saved=True):
        return x * type(self).factor, None

    def backward(self, dy, saved, need_dx=True):
        return dy * type(self).factor


def test_a_users_layer_is_not_replayed(replays):
    model = minicnn.Sequential([layers.Input((3,)), layers.Dense(2), Doubled()])
    x = normal(1, 3, dtype="float32")
    warm(model, x)
    once = np.array(model(x))
    Doubled.factor = 4
    try:
        np.testing.assert_array_equal(np.asarray(model(x)), once * 2)
    finally:
        Doubled.factor = 2
    assert not replays


def test_penalties_of_outputs_are_computed_in_every_call():
    model = minicnn.Sequential([layers.Input((3,)), layers.Dense(2, activity_regularizer="l2")])
    for seed in range(5):
        x = normal(1, 3, seed=seed, dtype="float32")
        y = np.asarray(model(x), np.float64)
        np.testing.assert_allclose(model.losses, [0.01 * (y**2).sum()], rtol=1e-5)


def test_noise_in_training_mode_is_drawn_in_every_call():
    model = network()
    warm(model)
    assert len({float(model(X[:1], training=True)[0, 0]) for _ in range(5)}) > 1


def test_copies_and_pickles_hold_no_recording():
    model = network()
    warm(model)
    model(X[:1])
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        twin.set_weights([w * 2 for w in twin.get_weights()])
        assert not np.array_equal(np.asarray(twin(X[:1])), np.asarray(model(X[:1])))
        np.testing.assert_array_equal(np.asarray(twin(X[:1])), expected(twin, X[:1]))


def test_wrong_inputs_are_refused_after_replays_too():
    model = network()
    warm(model)
    with pytest.raises(ValueError, match="shape"):
        model(normal(1, 8, 8, 4))
    with pytest.raises(ValueError, match="numbers"):
        model(np.array([["text"]]))
    integers = (X[:1] * 4).astype(int)
    np.testing.assert_array_equal(np.asarray(model(integers)), expected(model, integers.astype("float32")))
    read_only = X[:1].copy()
    read_only.flags.writeable = False
    np.testing.assert_array_equal(np.asarray(model(read_only)), expected(model, X[:1]))
    backwards = X[:1, ::-1]
    np.testing.assert_array_equal(np.asarray(model(backwards)), expected(model, backwards.copy()))
