"""Types of numbers by the names of Keras's policies."""

import numpy as np
import pytest

import minicnn
from minicnn import config, layers, mixed_precision


@pytest.fixture(autouse=True)
def as_before():
    yield
    mixed_precision.set_global_policy("float32")


def test_mixed_policies_compute_in_float32_and_say_so(capsys, monkeypatch):
    monkeypatch.setattr(config, "_told_mixed", [])
    for name in ("mixed_float16", "mixed_bfloat16"):
        mixed_precision.set_global_policy(name)
        assert mixed_precision.global_policy().name == name
        assert layers.Dense(2).dtype == layers.Dense(2, dtype=name).dtype == "float32"
    assert capsys.readouterr().out == (
        "minicnn: mixed_float16 has no effect, as minicnn computes in float32 or float64.\n"
    )


def test_policies_set_the_type_of_layers():
    mixed_precision.set_dtype_policy(mixed_precision.Policy("float64"))
    assert mixed_precision.dtype_policy() == minicnn.DTypePolicy("float64") == minicnn.DTypePolicy()
    assert layers.Dense(2).dtype == "float64" == config.floatx()
    assert layers.Dense(2, dtype=mixed_precision.Policy("float32")).dtype == "float32"
    mixed_precision.set_dtype_policy("float32")
    assert repr(mixed_precision.dtype_policy()) == '<DTypePolicy "float32">' and layers.Dense(2).dtype == "float32"
    with pytest.raises(ValueError, match="computes in float32 or float64; received dtype='float16'"):
        mixed_precision.set_global_policy("float16")


def test_a_program_for_other_hardware_trains_as_in_float32():
    def loss():
        minicnn.utils.set_random_seed(0)
        model = minicnn.Sequential([layers.Dense(3), layers.Activation("softmax", dtype="float32")])
        optimizer = mixed_precision.LossScaleOptimizer(minicnn.optimizers.Adam())
        model.compile(optimizer, "sparse_categorical_crossentropy")
        return model.fit([[1.0, 2.0]] * 4, [0, 1, 2, 0], epochs=2, verbose=0).history["loss"]

    plain = loss()
    mixed_precision.set_global_policy("mixed_float16")
    assert loss() == plain


def test_a_layer_says_its_type_and_policy():
    mixed_precision.set_global_policy("mixed_float16")
    layer = layers.Dense(3)
    assert layer.dtype_policy.name == "mixed_float16"
    assert layer.dtype == layer.compute_dtype == layer.variable_dtype == "float32"
    layer.dtype_policy = "float64"
    assert layer.dtype_policy == minicnn.DTypePolicy("float64") and layer.compute_dtype == "float64"
    layer.build((None, 2))
    assert layer.kernel.dtype == "float64"
    layer.dtype = "float32"
    assert layer.dtype_policy.name == "float32"


def test_a_file_of_a_mixed_model_loads(tf, tmp_path):
    tf.keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        theirs = tf.keras.Sequential([tf.keras.Input((4,)), tf.keras.layers.Dense(3)])
        theirs.save(tmp_path / "mixed.keras")
    finally:
        tf.keras.mixed_precision.set_global_policy("float32")
    ours = minicnn.saving.load_model(tmp_path / "mixed.keras")
    assert ours.layers[0].dtype_policy.name == "mixed_float16"
    np.testing.assert_array_equal(ours.get_weights()[0], theirs.get_weights()[0])
