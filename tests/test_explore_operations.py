"""The page of `visualize.explore` computes what minicnn computes: every layer, forward and backward, in a browser."""

from __future__ import annotations

import numpy as np
import pytest
from explore_page import computed, opened
from helpers import normal
from layer_zoo import LAYERS, ONLY_HERE

from minicnn import Input, Model, Sequential, layers, ops
from minicnn.visualize import explore

FORWARD, BACKWARD = 1e-4, 1e-3
# the page shows the gradients of the loss alone, without penalties
CASES = [case for case in LAYERS + ONLY_HERE if "egulariz" not in case[0]]


@pytest.fixture(scope="module")
def page(browser, tmp_path_factory):
    """A page in which the modules are loaded."""
    file = tmp_path_factory.mktemp("explore") / "explore.html"
    explore(Sequential([Input((2, 2, 1)), layers.Flatten()]), np.zeros((1, 2, 2, 1)), file=file)
    with opened(browser, file) as page:
        yield page


def randomize(model, seed=5):
    for i, variable in enumerate(model.weights):
        value = 0.5 * normal(*variable.shape, seed=seed + i, dtype=np.float32)
        variable.assign(np.abs(value) + 0.3 if "variance" in variable.name else value)


def assert_alike(actual, expected, bound, what):
    expected = np.asarray(expected, np.float64).reshape(-1)
    assert actual.shape == expected.shape, what
    apart = np.abs(actual - expected).max() / max(np.abs(expected).max(), 1e-30)
    assert apart <= bound, f"{what}: {apart:.1e}"


def compare(page, model, xs, image=0):
    """Compare the page's outputs and gradients for one image with those of the model's own forward and backward."""
    made = explore(model, xs if model.takes_several else xs[0], file=None)
    one = [x[image : image + 1] for x in xs]
    y, saved = model.forward(one if model.takes_several else one[0], False, need_saved=True)
    dy = normal(*y.shape, seed=9, dtype=np.float32)
    found = computed(page, made, image, dy)
    assert_alike(found["y"], y, FORWARD, "y")
    assert found["difference"] <= FORWARD
    dxs = model.backward(dy.copy(), saved)
    for i, dx in enumerate(dxs if model.takes_several else [dxs]):
        assert_alike(found["dxs"][i], dx, BACKWARD, f"dx of input {i}")
    for number, weight in enumerate(made.data["weights"]):
        variable = next((v for v in model.trainable_variables if v.path == weight["name"]), None)
        if variable is not None:
            assert_alike(found["dws"][number], variable.grad, BACKWARD, variable.path)
    for kind, pairs in found["shown"].items():
        for value, shown in pairs:
            assert abs(value - shown) <= 2e-4 * max(1, abs(value)), f"{kind}: {value} shown as {shown}"
    return found


@pytest.mark.parametrize(("name", "make", "shapes"), CASES, ids=[case[0] for case in CASES])
def test_layer(page, name, make, shapes):
    several = shapes if isinstance(shapes, list) else [shapes]
    inputs = [Input(shape[1:]) for shape in several]
    model = Model(inputs, make(layers)(inputs if len(inputs) > 1 else inputs[0]))
    randomize(model)
    xs = [normal(*shape, seed=i, dtype=np.float32) for i, shape in enumerate(several)]
    found = compare(page, model, xs, image=len(xs[0]) - 1)
    assert found["shown"]["explained"] and found["shown"]["reached"]


def branching():
    x = Input((9, 8, 3))
    y = layers.Conv2D(6, 3, padding="same", activation="relu")(x)
    z = layers.BatchNormalization()(layers.DepthwiseConv2D(3, padding="same", use_bias=False)(y))
    y = layers.Activation("swish")(layers.Add()([y, z]))
    z = layers.Concatenate()([layers.AveragePooling2D()(y), layers.MaxPooling2D()(y)])
    shared = layers.Conv2D(12, 1, activation="tanh")
    y = layers.GlobalAveragePooling2D()(shared(shared(z)) * 0.5 + 1.0)
    return Model(x, layers.Dense(4, activation="softmax")(layers.Dropout(0.3)(y)))


def nested():
    inner = Sequential([Input((8, 8, 2)), layers.Conv2D(3, 3, activation="relu"), layers.MaxPooling2D()], name="inner")
    x = Input((8, 8, 2))
    outer = Model(x, layers.Flatten()(inner(x)), name="outer")
    return Sequential([layers.Rescaling(1 / 255), outer, layers.Dense(3)])


def two_inputs():
    image, extra = Input((6, 5, 1)), Input((4,))
    y = layers.Flatten()(layers.Conv2D(3, 2, activation="relu")(image))
    return Model([image, extra], layers.Dense(1, activation="sigmoid")(layers.Concatenate()([y, extra])))


def autoencoder():
    return Sequential([
        Input((8, 8, 1)), layers.Conv2D(4, 3, 2, "same", activation="elu"), layers.Flatten(), layers.Dense(64),
        layers.Reshape((8, 8, 1)),
    ])  # fmt: skip


class Subclassed(Model):
    """As Keras's guides write models: two branches, a function, dropout that is told whether the model trains."""

    def __init__(self):
        super().__init__()
        self.conv, self.pool = layers.Conv2D(4, 3, activation="relu", padding="same"), layers.MaxPooling2D()
        self.dropout, self.head = layers.Dropout(0.4), layers.Dense(3)

    def call(self, x, training=False):
        y = self.pool(self.conv(x))
        y = y + 0.5 * ops.tanh(y)
        return ops.softmax(self.head(self.dropout(ops.mean(y, axis=(1, 2)), training=training)))


def subclassed():
    model = Subclassed()
    model.build((None, 8, 8, 2))
    return model


def subclassed_within():
    x = Input((8, 8, 2))
    return Model(x, layers.Dense(2)(Subclassed()(layers.Rescaling(0.5)(x))))


@pytest.mark.parametrize("make", [branching, nested, two_inputs, autoencoder, subclassed, subclassed_within])
def test_model(page, make):
    model = make()
    shapes = [(3, *symbol.shape[1:]) for symbol in model.inputs] or [(3, 8, 8, 2)]
    model.build_for(shapes if model.takes_several else shapes[0])
    randomize(model)
    compare(page, model, [normal(*shape, seed=i, dtype=np.float32) for i, shape in enumerate(shapes)], image=1)


FUNCTIONS = {
    "reductions": lambda x: ops.mean(x, axis=(1, 2)) + ops.sum(x, axis=[1, 2]) * ops.std(x, axis=(1, 2)),
    "largest and smallest": lambda x: ops.max(x, axis=-1, keepdims=True) - ops.min(x, axis=1, keepdims=True),
    "places of the largest": lambda x: ops.cast(ops.argmax(x, axis=-1), "float32") + x[..., 0],
    "product": lambda x: ops.prod(x, axis=1),
    "roots and logarithms": lambda x: ops.sqrt(ops.abs(x) + 1) * ops.log1p(ops.square(x)) + ops.rsqrt(x * x + 2),
    "powers": lambda x: ops.abs(x) ** 1.5 + 2.0 ** x - 1 / (x * x + 1),
    "waves": lambda x: ops.sin(x) * ops.cos(x) + ops.arctan(x) + ops.erf(x) + ops.expm1(x),
    "steps": lambda x: x + ops.floor(x) + ops.sign(x) * ops.round(4 * x),
    "choices": lambda x: ops.where(x > 0, x, 0.1 * x) + ops.maximum(x, 0.2) * ops.cast(x != 0, "float32"),
    "no gradient": lambda x: ops.stop_gradient(x) * x,
    "places": lambda x: ops.transpose(ops.flip(x[:, 1:, ::2], axis=1), (0, 3, 1, 2)),
    "padding": lambda x: ops.pad(x, [[0, 0], [1, 2], [0, 0], [1, 0]]),
    "attention": lambda x: ops.matmul(ops.softmax(ops.matmul(x, ops.transpose(x, (0, 1, 3, 2))), axis=-1), x),
    "einsum": lambda x: ops.einsum("nhwc,nhvc->nwv", x, x),
    "softmax along rows": lambda x: ops.softmax(x, axis=1),
    "normalization": lambda x: (x - ops.mean(x, (1, 2), keepdims=True)) / (1 + ops.std(x, (1, 2), keepdims=True)),
    "heads": lambda x: ops.reshape(ops.concatenate([x, ops.relu(x)], axis=-1), (-1, 5, 4, 3, 2)),
}  # fmt: skip


ACTIVATIONS = (
    "roots and logarithms", "powers", "waves", "steps", "choices", "no gradient", "softmax along rows", "normalization",
)  # fmt: skip


@pytest.mark.parametrize(
    ("name", "where"),
    [*((name, where) for where in ("in a model", "in a call") for name in FUNCTIONS),
     *((name, "as an activation") for name in ACTIVATIONS)],
)  # fmt: skip
def test_functions(page, name, where):
    compare_function(page, FUNCTIONS[name], where)


def test_an_activation_may_change_the_shape(page):
    x = Input((6,))
    model = Model(x, layers.Dense(4, activation="glu")(x))
    randomize(model)
    compare(page, model, [normal(3, 6, dtype=np.float32)], image=1)


def test_a_call_may_move_the_axis_of_the_images(page):
    compare_function(page, lambda x: ops.transpose(ops.transpose(x, (1, 0, 2, 3)) * 2, (1, 0, 2, 3)), "in a call")


def compare_function(page, function, where):
    class Own(layers.Layer):
        def build(self, shape):
            self.scale = self.add_weight(shape=(shape[-1],), name="scale")

        def call(self, x):
            return function(x * self.scale)

    x = Input((5, 4, 3))
    if where == "as an activation":
        model = Model(x, layers.Conv2D(3, 1, use_bias=False, activation=function)(x))
    else:
        model = Model(x, function(x) if where == "in a model" else Own()(x))
    randomize(model)
    found = compare(page, model, [normal(3, 5, 4, 3, dtype=np.float32)], image=1)
    assert found["shown"]["explained"]


def test_a_users_own_layer_is_shown_as_minicnn_computed_it(page):
    class Double(layers.Layer):
        def forward(self, x, training=False, need_saved=True):
            return x * 2, None

        def backward(self, dy, saved, need_dx=True):
            return dy * 2

    model = Sequential([Input((3, 3, 1)), Double(), layers.Flatten(), layers.Dense(2)])
    x = normal(2, 3, 3, 1, dtype=np.float32)
    found = computed(page, explore(model, x, file=None), 1, np.ones(2))
    assert_alike(found["y"], model(x)[1], FORWARD, "y")
    assert found["dxs"] == [None]


def test_large_models_are_asleep_where_their_weights_are_left_out(page, monkeypatch):
    from minicnn.visualize import explore as function

    monkeypatch.setitem(function.__globals__, "_MOST_WEIGHTS", 200)
    model = Sequential([
        Input((6, 6, 1)), layers.Conv2D(4, 3), layers.Flatten(), layers.Dense(50, "relu"), layers.Dense(3, "softmax"),
    ])  # fmt: skip
    x = normal(2, 6, 6, 1, dtype=np.float32)
    made = explore(model, x, file=None)
    assert [bool(weight.get("type")) for weight in made.data["weights"]] == [True, True, False, False, True, True]
    found = computed(page, made, 1, np.array([1.0, 2.0, 3.0]))
    assert_alike(found["y"], model(x)[1], FORWARD, "y")
    assert sorted(found["dws"]) == [4, 5]


def test_nan_and_infinity_go_through(page):
    model = Sequential([Input((4, 4, 1)), layers.Conv2D(2, 2), layers.MaxPooling2D(), layers.Flatten()])
    x = normal(2, 4, 4, 1, dtype=np.float32)
    x[0, 1, 1], x[0, 3, 0] = np.nan, np.inf
    found = computed(page, explore(model, x, file=None), 0, np.ones(2))
    assert np.array_equal(found["y"], model(x)[0].reshape(-1), equal_nan=True) or np.isnan(found["y"]).any()
    assert np.array_equal(np.isnan(found["y"]), np.isnan(np.asarray(model(x)[0])))


def test_rearrangements_are_shown(page):
    x = Input((3, 4, 2))
    y = ops.flip(ops.transpose(x, (0, 2, 1, 3)), 1)[:, 1:, :, :]
    model = Model(x, layers.Dense(3)(layers.Flatten()(y)))
    compare(page, model, [normal(2, 3, 4, 2, dtype=np.float32)], image=1)
