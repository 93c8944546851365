"""What `import minicnn` loads, and the import paths that people type."""

from __future__ import annotations

import json
import os
import subprocess
import sys

HEAVY = ("matplotlib", "tensorflow", "tensorflow_datasets", "h5py", "numba.cuda.cudadrv.driver", "rich", "PIL", "keras")


def test_import_loads_nothing_heavy_and_compiles_nothing(python):
    code = f"""
import sys, json
import minicnn
from minicnn.kernels.cpu.compile import compile_clock
assert compile_clock.count == 0
print(json.dumps([name for name in {HEAVY!r} if name in sys.modules]))
"""
    assert json.loads(python(code)) == []


def test_import_adds_few_modules_to_those_of_numba(python):
    """Import time depends on the machine, so count modules: minicnn adds only modules of the standard library."""
    code = """
import sys
import numba, numpy
before = set(sys.modules)
import minicnn
added = {name.split(".")[0] for name in set(sys.modules) - before} - {"minicnn", "numba", "llvmlite", "numpy"}
print(sorted(added))
"""
    added = eval(python(code))
    import sys

    assert set(added) <= set(sys.stdlib_module_names), added


def test_training_loads_no_drawing_and_no_data_libraries(python):
    code = """
import sys
import numpy as np, minicnn
model = minicnn.Sequential([minicnn.Input((3,)), minicnn.layers.Dense(2, activation="softmax")])
model.compile("adam", "sparse_categorical_crossentropy", metrics=["acc"])
model.fit(np.ones((4, 3)), np.zeros(4, int), verbose=0)
print([name for name in ("matplotlib", "tensorflow_datasets", "rich", "h5py") if name in sys.modules])
"""
    assert python(code).strip().splitlines()[-1] == "[]"


def test_paths_that_people_type(python):
    python("""
import minicnn as keras
from minicnn.models import Sequential, Model
from minicnn.layers import Conv2D, MaxPooling2D, MaxPool2D, AveragePooling2D, AvgPool2D, Dense, Flatten, Dropout, Input
from minicnn.layers import InputLayer, DepthwiseConv2D, GlobalAveragePooling2D, GlobalMaxPooling2D, Reshape
from minicnn.layers import ZeroPadding2D, SpatialDropout2D, BatchNormalization, Activation, ReLU, LeakyReLU, ELU
from minicnn.layers import Softmax, Rescaling, Add, Multiply, Concatenate
from minicnn.datasets import fashion_mnist, mnist, cifar10, synthetic_fashion
from minicnn.optimizers import SGD, RMSprop, Adam, AdamW
from minicnn.losses import SparseCategoricalCrossentropy, sparse_categorical_crossentropy
from minicnn.metrics import SparseCategoricalAccuracy
from minicnn.callbacks import Callback, EarlyStopping, History
from minicnn.initializers import HeNormal
from minicnn.regularizers import l2
from minicnn.utils import to_categorical, gradient_check, set_random_seed
keras.datasets.mnist.load_data, keras.layers.Dense, keras.models.Sequential, keras.Model, keras.Sequential, keras.Input
keras.losses.sparse_categorical_crossentropy, keras.optimizers.Adam, keras.utils.to_categorical, keras.metrics.Mean
keras.callbacks.EarlyStopping, keras.initializers.GlorotUniform, keras.regularizers.l2, keras.activations.relu
keras.backend.set_backend, keras.config.set_floatx
""")


def test_the_backend_of_the_environment(python):
    assert python("import minicnn; print(minicnn.backend.backend())").strip() == "cpu"
    code = "import minicnn; print(minicnn.backend.backend())"
    assert python(code, MINICNN_BACKEND="numpy").strip() == "numpy"
    code = "try:\n import minicnn\nexcept ValueError as e: print(e)"
    said = python(code, MINICNN_BACKEND="numpi")
    assert "Unknown backend 'numpi' in the environment variable MINICNN_BACKEND. Did you mean 'numpy'" in said


def test_disabled_compilation_is_refused_in_a_sentence():
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    run = subprocess.run([sys.executable, "-c", "import minicnn"], env=environment, capture_output=True, text=True)
    assert run.returncode == 1
    assert "NUMBA_DISABLE_JIT: unset it" in run.stderr and "MINICNN_BACKEND=loops" in run.stderr
