"""Sequential and functional models: graphs, shared layers, nested models, parts of models, weights."""

from __future__ import annotations

import numpy as np
import pytest
from helpers import assert_close, normal

import minicnn
from minicnn import layers


def images(n=3):
    return normal(n, 8, 6, 2, dtype=np.float32)


def branched(k):
    inputs = k.Input((8, 6, 2))
    shared = k.layers.Conv2D(4, 3, padding="same", activation="relu")
    a = k.layers.Conv2D(4, 1)(inputs)
    b = shared(a)
    c = shared(k.layers.Multiply()([a, b]))
    d = k.layers.ZeroPadding2D(((0, 1), (1, 0)))(k.layers.AveragePooling2D(2)(c))
    e = k.layers.MaxPooling2D(2, padding="same")(b)
    f = k.layers.GlobalMaxPooling2D()(k.layers.Conv2D(3, 2)(d))
    g = k.layers.GlobalAveragePooling2D()(k.layers.BatchNormalization()(e))
    joined = k.layers.Concatenate()([f, g, k.layers.Reshape((3,))(k.layers.Dense(3)(f))])
    return k.Model(inputs, k.layers.Dense(3, activation="softmax")(joined))


def with_same_weights(ours, theirs):
    weights = [0.5 * normal(*w.shape, seed=i, dtype=np.float32) for i, w in enumerate(theirs.weights)]
    weights = [np.abs(v) if "variance" in w.name else v for v, w in zip(weights, theirs.weights, strict=True)]
    theirs.set_weights(weights)
    ours.set_weights(weights)


def test_a_graph_with_branches_is_keras_s(tf):
    ours, theirs = branched(minicnn), branched(tf.keras)
    tf.keras.backend.clear_session()
    assert [type(x).__name__ for x in ours.layers] == [type(x).__name__ for x in theirs.layers]
    assert [w.name for w in ours.weights] == [w.name for w in theirs.weights]
    with_same_weights(ours, theirs)
    assert_close(ours.predict(images(), verbose=0), theirs.predict(images(), verbose=0), 1e-5)
    tensor, upstream = tf.constant(images()), normal(3, 3, seed=4, dtype=np.float32)
    with tf.GradientTape() as tape:
        tape.watch(tensor)
        total = tf.reduce_sum(theirs(tensor) * upstream)
    gradients = tape.gradient(total, [tensor, *theirs.trainable_variables])
    _, saved = ours.forward(images())
    found = [ours.backward(upstream, saved), *(w.grad for w in ours.trainable_weights)]
    for mine, wanted in zip(found, gradients, strict=True):
        assert_close(mine, wanted, 1e-5)


def test_a_model_inside_models(tf):
    def build(k):
        base = k.Sequential([k.Input((8, 6, 2)), k.layers.Conv2D(4, 3, activation="relu"), k.layers.MaxPooling2D(2)])
        inputs = k.Input((8, 6, 2))
        functional = k.Model(inputs, k.layers.Flatten()(base(inputs)))
        return k.Sequential([functional, k.layers.Dense(3, activation="softmax")])

    ours, theirs = build(minicnn), build(tf.keras)
    theirs.build((None, 8, 6, 2))
    with_same_weights(ours, theirs)
    assert ours.input_shape == (None, 8, 6, 2)
    assert_close(ours.predict(images(), verbose=0), theirs.predict(images(), verbose=0), 1e-5)
    for model, k in ((ours, minicnn), (theirs, tf.keras)):
        model.layers[0].trainable = False
        model.compile(k.optimizers.SGD(0.1), "sparse_categorical_crossentropy")
    y = np.array([0, 2, 1])
    mine = ours.fit(images(), y, epochs=3, shuffle=False, verbose=0).history["loss"]
    assert_close(mine, theirs.fit(images(), y, epochs=3, shuffle=False, verbose=0).history["loss"], 1e-5)
    assert len(ours.trainable_weights) == 2
    minicnn.utils.clear_session()
    ours.summary(expand_nested=True, cost=True, print_fn=lambda text: None)


def test_a_model_cut_out_of_a_model_shares_its_weights():
    model = minicnn.Sequential([
        layers.Input((8, 6, 2)), layers.Conv2D(4, 3, activation="relu"), layers.Flatten(), layers.Dense(3),
    ])  # fmt: skip
    cut = minicnn.Model(model.inputs, model.layers[0].output)
    np.testing.assert_array_equal(cut.predict(images(), verbose=0), model.layers[0](images()))
    model.layers[0].kernel.assign(np.zeros((3, 3, 2, 4)))
    assert (cut.predict(images(), verbose=0) == 0).all()
    tail = minicnn.Model(model.layers[1].input, model.output)
    assert_close(tail(model.layers[0](images())), model.predict(images(), verbose=0), 1e-6)
    assert [layer.name for layer in tail.layers if layer.weights] == ["dense"]


def test_three_ways_to_say_the_input_shape():
    made = [
        minicnn.Sequential([layers.Input((8, 6, 2)), layers.Conv2D(4, 3), layers.Flatten()]),
        minicnn.Sequential([layers.InputLayer((8, 6, 2)), layers.Conv2D(4, 3), layers.Flatten()]),
        minicnn.Sequential([layers.Conv2D(4, 3, input_shape=(8, 6, 2)), layers.Flatten()]),
    ]
    late = minicnn.Sequential([layers.Conv2D(4, 3), layers.Flatten()])
    assert not late.built
    late.build((None, 8, 6, 2))
    one_by_one = minicnn.Sequential()
    one_by_one.add(layers.Conv2D(4, 3))
    one_by_one.add(layers.Flatten())
    one_by_one.predict(images(), verbose=0)
    for model in (*made, late, one_by_one):
        assert model.built
        assert model.output_shape == (None, 96)
        assert model.count_params() == 76
        assert len(model.layers) == 2
        assert model.input_shape == (None, 8, 6, 2)


def test_sizes_that_are_not_known_beforehand():
    inputs = layers.Input((None, None, 2))
    model = minicnn.Model(inputs, layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3)(inputs)))
    assert model.output_shape == (None, 4)
    for H, W in ((5, 4), (9, 3)):
        assert model.predict(np.zeros((2, H, W, 2)), verbose=0).shape == (2, 4)


def test_weights_go_out_and_in():
    model, other = branched(minicnn), branched(minicnn)
    weights = model.get_weights()
    other.set_weights(weights)
    np.testing.assert_array_equal(other.predict(images(), verbose=0), model.predict(images(), verbose=0))
    weights[0][:] = 7
    assert not (model.get_weights()[0] == 7).any(), "get_weights returns copies"
    assert model.count_params() == sum(w.size for w in weights)


def test_build_by_hand_makes_the_weights_once():
    dense = layers.Dense(3)
    dense.build((None, 4))
    assert dense.built
    assert dense.count_params() == 15
    dense.set_weights([np.ones((4, 3)), np.zeros(3)])
    model = minicnn.Sequential([layers.Input((4,)), dense])
    assert model.count_params() == 15
    assert model.predict(np.ones((1, 4)), verbose=0).tolist() == [[4, 4, 4]]


def test_a_failed_call_leaves_the_model_usable():
    model = minicnn.Sequential([layers.Conv2D(2, 3), layers.Flatten(), layers.Dense(2)])
    with pytest.raises(ValueError, match=r"takes inputs of shape \(N, H, W, C\)"):
        model.predict(np.zeros((4, 28, 28)), verbose=0)
    assert model.predict(np.zeros((4, 28, 28, 1)), verbose=0).shape == (4, 2)

    growing = minicnn.Sequential()
    with pytest.raises(ValueError, match="does not fit"):
        growing.add(layers.Conv2D(4, 9, input_shape=(5, 5, 1)))
    growing.add(layers.Conv2D(4, 3, input_shape=(28, 28, 3)))
    assert growing.output_shape == (None, 26, 26, 4)

    convolution = layers.Conv2D(2, 5)
    with pytest.raises(ValueError, match="does not fit"):
        convolution(np.zeros((1, 3, 3, 1)))
    assert convolution(np.zeros((1, 7, 7, 3))).shape == (1, 3, 3, 2)


def test_a_composite_layer_trains_the_layers_it_keeps():
    class Block(layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.first, self.second = layers.Dense(4, activation="relu"), layers.Dense(2)

        def build(self, input_shape):
            self.first.build_for(input_shape)
            self.second.build_for(self.first.compute_output_shape(input_shape))

        def compute_output_shape(self, input_shape):
            return (input_shape[0], 2)

        def forward(self, x, training=False, need_saved=True):
            h, saved_first = self.first.forward(x, training, need_saved)
            y, saved_second = self.second.forward(h, training, need_saved)
            return y, (saved_first, saved_second)

        def backward(self, dy, saved, need_dx=True):
            return self.first.backward(self.second.backward(dy, saved[1]), saved[0], need_dx)

    block = Block()
    assert minicnn.utils.gradient_check(block, normal(5, 3), verbose=False) < 1e-6
    model = minicnn.Sequential([layers.Input((3,)), block])
    model.compile("adam", "mse")
    assert len(model.trainable_weights) == 4
    before = model.get_weights()
    model.fit(normal(5, 3), normal(5, 2), verbose=0)
    assert all((a != b).any() for a, b in zip(before[::2], model.get_weights()[::2], strict=True))


def test_pop_takes_the_last_layer_off():
    model = minicnn.Sequential([layers.Input((4,)), layers.Dense(3), layers.Dense(2)])
    assert model.pop().name == "dense_1"
    assert model.output_shape == (None, 3)
    model.add(layers.Dense(5))
    assert model.predict(np.zeros((1, 4)), verbose=0).shape == (1, 5)


def test_names_are_keras_s(tf):
    tf.keras.backend.clear_session()
    for _ in range(2):
        for name in ("Conv2D", "MaxPooling2D", "ReLU", "LeakyReLU", "ELU", "BatchNormalization", "SpatialDropout2D"):
            arguments = {"Conv2D": (1, 1), "SpatialDropout2D": (0.1,)}.get(name, ())
            assert getattr(layers, name)(*arguments).name == getattr(tf.keras.layers, name)(*arguments).name
    assert minicnn.Sequential().name == tf.keras.Sequential().name


def test_get_layer():
    model = minicnn.Sequential([layers.Input((4,)), layers.Dense(3, name="first"), layers.Dense(2)])
    assert model.get_layer("first") is model.layers[0] is model.get_layer(index=0)
    with pytest.raises(ValueError, match="'sequential' has no layer 'secnd'; its layers are first, dense"):
        model.get_layer("secnd")


def test_ranks_of_inputs_are_made_to_fit(tf):
    """An array with a last axis of size 1 too many, or too few, is taken in calls as in fit."""
    for shape, given in (((2, 3), (5, 2, 3, 1)), ((1,), (5,)), ((4, 4, 1), (5, 4, 4))):
        x, weights, made = normal(*given, dtype=np.float32), None, []
        for k in (minicnn, tf.keras):
            inputs = k.Input(shape)
            model = k.Model(inputs, k.layers.Dense(2)(k.layers.Flatten()(inputs)))
            weights = weights or model.get_weights()
            model.set_weights(weights)
            made += [np.asarray(model(x)), np.asarray(model.predict(x, verbose=0))]
        for other in made[1:]:
            assert_close(made[0], other, 1e-5)


def test_a_model_of_one_input_refuses_two():
    inputs = minicnn.Input((3,))
    model = minicnn.Model(inputs, layers.Dense(1)(inputs))
    with pytest.raises(ValueError, match="takes one input; received 2 in a list"):
        model([np.ones((2, 3)), np.ones((2, 3))])


def test_clone_function_may_rename_layers(tf):
    def other_names(layer):
        config = layer.get_config()
        config["name"] = f"{layer.name}_again"
        return type(layer).from_config(config)

    for k in (minicnn, tf.keras):
        a, b = k.Input((4,), name="a"), k.Input((4,), name="b")
        graph = k.Model([a, b], k.layers.Dense(2, name="last")(k.layers.Add(name="sum")([a, b])))
        row = k.Sequential([k.Input((4,)), k.layers.Dense(3, name="d")])
        for model in (graph, row):
            clone = k.models.clone_model(model, clone_function=other_names)
            names = [layer.name for layer in clone.layers if "input" not in type(layer).__name__.lower()]
            assert names == [f"{n.name}_again" for n in model.layers if n.name in ("last", "sum", "d")]
            assert clone.count_params() == model.count_params()


def test_a_subclass_of_functional_models_keeps_its_own_arguments():
    class Own(minicnn.Model):
        def __init__(self, *args, more=1, **kwargs):
            super().__init__(*args, **kwargs)
            self.more = more

        def get_config(self):
            return {**super().get_config(), "more": self.more}

    inputs = minicnn.Input((2,))
    model = Own(inputs, layers.Dense(2)(inputs), more=3)
    assert Own.from_config(model.get_config()).more == 3
    clone = minicnn.models.model_from_json(model.to_json(), custom_objects={"Own": Own})
    assert clone.more == 3 and clone.count_params() == 6


def test_a_model_without_an_input_takes_other_sizes(tf):
    """If its layers do: a network of convolutions with a global pool, on images of several sizes, also in training."""
    images = {size: normal(4, size, size + 1, 2, seed=size, dtype=np.float32) for size in (9, 12, 7)}
    y, weights, found = normal(4, 3, dtype=np.float32), None, []
    for k in (minicnn, tf.keras):
        rest = [k.layers.GlobalAveragePooling2D(), k.layers.Dense(3)]
        model = k.Sequential([k.layers.Conv2D(4, 3, activation="relu"), k.layers.BatchNormalization(), *rest])
        model(images[9])
        weights = weights or model.get_weights()
        model.set_weights(weights)
        model.compile(k.optimizers.SGD(0.1), "mse")
        values = []
        for size in (9, 12, 9, 7, 12, 7):
            fit = model.fit(images[size], y, batch_size=2, epochs=3, shuffle=False, verbose=0)
            values.append(fit.history["loss"])
            values += [np.asarray(model(images[size])) for _ in range(4)]  # the last ones are replayed
            values.append(model.predict(images[size], verbose=0))
        found.append(values)
    for ours, theirs in zip(*found, strict=True):
        assert_close(ours, np.asarray(theirs), 1e-4)
    rows = minicnn.Sequential([layers.Flatten(), layers.Dense(2)])
    assert rows(np.ones((1, 4, 4))).shape == rows(np.ones((3, 2, 8)))[:1].shape
    with pytest.raises(ValueError, match=r"built for inputs of 16 features; received shape \(1, 25\)"):
        rows(np.ones((1, 5, 5)))
    with pytest.raises(ValueError, match=r"takes inputs of shape \(None, 4, 4\); received shape \(1, 16\)"):
        rows(np.ones((1, 16)))
