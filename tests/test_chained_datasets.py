"""Data sets that chain: the same elements as tf.data, in the same order where no random numbers are drawn."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from helpers import labels, normal

import minicnn
from minicnn import layers, utils
from minicnn.nest import flatten
from minicnn.preprocessing.dataset import samples_of

X, Y = normal(11, 4, 3, dtype=np.float32), labels(11, classes=3)

CHAINS = {
    "batch": lambda d: d.batch(4),
    "drop": lambda d: d.batch(4, drop_remainder=True),
    "map": lambda d: d.map(lambda x, y: (x * 2, y + 1)).batch(3),
    "map to one": lambda d: d.map(lambda x, y: x),
    "map to a dictionary": lambda d: d.map(lambda x, y: {"image": x, "label": y}).batch(5),
    "unbatch": lambda d: d.batch(4).unbatch().batch(3),
    "take and skip": lambda d: d.skip(2).take(5),
    "take all": lambda d: d.take(-1),
    "skip all": lambda d: d.skip(-1),
    "repeat": lambda d: d.batch(6).repeat(3),
    "repeat none": lambda d: d.repeat(0),
    "endless": lambda d: d.batch(6).repeat().take(7),
    "filter": lambda d: d.filter(lambda x, y: y > 0),
    "enumerate": lambda d: d.enumerate(start=5).map(lambda i, pair: (i, pair[0])),
    "concatenate": lambda d: d.take(2).concatenate(d.skip(8)),
    "cache and prefetch": lambda d: d.cache().batch(4).prefetch(2),
    "prefetch automatically": lambda d: d.prefetch(-1),
    "shard": lambda d: d.shard(4, 1),
    "shard beyond": lambda d: d.take(2).shard(4, 3),
    "rebatch": lambda d: d.batch(5).rebatch(4),
    "rebatch, drop": lambda d: d.batch(5).rebatch(4, drop_remainder=True),
    "shuffle in a buffer of one": lambda d: d.shuffle(1),
}


def same(ours, theirs):
    assert len(ours) == len(theirs)
    for mine, wanted in zip(ours, theirs, strict=True):
        for a, b in zip(flatten(mine), flatten(wanted), strict=True):
            np.testing.assert_array_equal(np.asarray(a), np.asarray(b))


@pytest.mark.parametrize("name", CHAINS)
def test_elements_are_those_of_tf_data(tf, name):
    ours = CHAINS[name](samples_of((X, Y)))
    theirs = CHAINS[name](tf.data.Dataset.from_tensor_slices((X, Y)))
    wanted = list(theirs.as_numpy_iterator())
    same(list(ours), wanted)
    same(list(ours.as_numpy_iterator()), wanted)  # a second pass gives them again
    count = int(theirs.cardinality().numpy())
    assert int(ours.cardinality().numpy()) in (count, -2 if count == -2 else len(wanted))
    if wanted and not isinstance(wanted[0], dict):
        ranks = [len(spec.shape) for spec in flatten(ours.element_spec)]
        assert ranks == [np.ndim(part) for part in flatten(wanted[0])]


def test_lengths_that_are_not_known():
    endless, some = samples_of((X, Y)).repeat(), samples_of((X, Y)).filter(lambda x, y: y > 0)
    assert (int(endless.cardinality()), int(some.cardinality())) == (-1, -2)
    with pytest.raises(TypeError, match="infinite"):
        len(endless)
    with pytest.raises(TypeError, match="not known"):
        len(some)
    assert samples_of((X, Y)).batch(4).element_spec[0].shape == (None, 4, 3)
    assert samples_of((X, Y)).element_spec[1].shape == ()


def test_reduce_folds_all_elements(tf):
    ours = samples_of(Y).reduce(np.int64(5), lambda state, y: 2 * state + y)
    theirs = tf.data.Dataset.from_tensor_slices(Y).reduce(np.int64(5), lambda state, y: 2 * state + tf.cast(y, "int64"))
    assert int(ours) == int(theirs)
    with pytest.raises(ValueError, match="index must be from 0 to num_shards - 1"):
        samples_of(Y).shard(2, 2)


def test_shuffle_draws_from_a_buffer():
    d = samples_of(np.arange(100))
    first = [int(x) for x in d.shuffle(10, seed=3)]
    assert sorted(first) == list(range(100)) and first != list(range(100))
    assert all(x < i + 10 for i, x in enumerate(first))
    shuffled = d.shuffle(100, seed=3)
    again = [[int(x) for x in shuffled] for _ in range(2)]
    assert again[0] != again[1]
    fixed = d.shuffle(100, seed=3, reshuffle_each_iteration=False)
    assert [int(x) for x in fixed] == [int(x) for x in fixed]


def test_cache_computes_once_and_prefetch_ahead():
    calls = []

    def count(x, y):
        calls.append(threading.current_thread().name)
        return x, y

    d = samples_of((X, Y)).map(count).cache()
    next(iter(d))  # not a whole pass: nothing is kept
    assert (len(list(d)), len(list(d)), len(calls)) == (11, 11, 12)
    calls.clear()
    list(samples_of((X, Y)).map(count).prefetch(2))
    assert all("minicnn-prefetch" in name for name in calls)


def test_models_train_on_chains_as_on_arrays():
    def model():
        utils.set_random_seed(0)
        made = minicnn.Sequential([layers.Input((4, 3)), layers.Flatten(), layers.Dense(3, activation="softmax")])
        made.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        return made

    chain = samples_of((X, Y)).map(lambda x, y: (x / 2, y)).batch(4).cache().prefetch(1)
    ours = model().fit(chain, epochs=3, validation_data=chain, verbose=0).history
    arrays = model().fit(X / 2, Y, batch_size=4, shuffle=False, epochs=3, validation_data=(X / 2, Y), verbose=0).history
    for key, values in arrays.items():
        np.testing.assert_allclose(ours[key], values, rtol=1e-6)
    endless = model().fit(chain.repeat(), steps_per_epoch=2, epochs=2, verbose=0).history
    assert len(endless["loss"]) == 2
    rescaled = samples_of((X, Y)).batch(4).map(lambda x, y: (layers.Rescaling(0.5)(x), y))
    np.testing.assert_allclose(model().evaluate(rescaled, verbose=0), model().evaluate(X / 2, Y, verbose=0), rtol=1e-6)
    assert model().predict(chain, verbose=0).shape == (11, 3)


def test_folders_of_images_chain(tmp_path):
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        for i in range(4):
            image = np.random.default_rng(i).integers(0, 255, (9, 8, 3)).astype(np.float32)
            utils.save_img(tmp_path / name / f"{i}.png", image)
    d = utils.image_dataset_from_directory(tmp_path, image_size=(6, 6), batch_size=3, shuffle=False, verbose=False)
    chain = d.map(lambda x, y: (x / 255.0, y)).cache().shuffle(10, seed=1).prefetch(buffer_size=-1)
    shuffled = d.shuffle(100, seed=2).take(1)  # the method, as images come in a fixed order
    assert next(iter(shuffled))[0].shape[1:] == (6, 6, 3) and [len(x) for x, _ in d.rebatch(5)] == [5, 3]
    assert chain.class_names == d.class_names == ["cat", "dog"]
    assert (len(chain), len(d), int(d.unbatch().cardinality())) == (3, 3, 8)
    assert sorted(int(label) for _, batch in chain for label in batch) == [0] * 4 + [1] * 4
    assert d.element_spec[0].shape == (None, 6, 6, 3)
    for images, names in d.take(1):
        assert images.numpy().shape == (3, 6, 6, 3) and names.numpy().tolist() == [0, 0, 0]
    single = utils.image_dataset_from_directory(
        tmp_path, image_size=(6, 6), batch_size=None, shuffle=False, verbose=False
    )
    assert next(iter(single))[0].shape == (6, 6, 3) and single.class_names == ["cat", "dog"]
    left, right = utils.split_dataset(d, left_size=0.75)
    assert [len(x) for x, _ in left] == [3, 3] and [len(x) for x, _ in right] == [2]


def test_split_dataset():
    left, right = utils.split_dataset((X, Y), left_size=0.6, shuffle=True, seed=1)
    assert (len(left), len(right)) == (7, 4)
    both = sorted(float(x[0, 0]) for x, _ in [*left, *right])
    np.testing.assert_array_equal(both, sorted(X[:, 0, 0].tolist()))
    assert [len(part) for part in utils.split_dataset(X, right_size=3)] == [8, 3]
    with pytest.raises(ValueError, match="left_size must be between 0 and 1"):
        utils.split_dataset(X, left_size=1.5)
    with pytest.raises(ValueError, match="need 12 samples; there are 11"):
        utils.split_dataset(X, left_size=6, right_size=6)


def test_a_method_that_is_missing_says_which_there_are():
    with pytest.raises(AttributeError, match="have no 'interleave'; they have as_numpy_iterator, batch, cache"):
        samples_of(X).interleave(lambda x: x)


def test_a_function_may_write_into_its_elements():
    """x /= 2 changes neither the user's arrays nor what `cache` keeps."""
    x = np.ones((6, 3), np.float32)

    def halved(part):
        part /= 2
        return part

    chain = samples_of(x).cache()
    for _ in range(2):
        assert all((part == 0.5).all() for part in chain.map(halved))
    assert (x == 1).all()
    assert samples_of(x).repeat().repeat(0).cardinality() == 0
