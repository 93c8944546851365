"""Compiled kernels are kept on disk, shared by processes and threads, and compiled once."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numba
import numpy as np
from numba.core.caching import NullCache

import minicnn
from minicnn.kernels.cpu.compile import _CheckedFiles, cache_folder, kernel


def test_kernels_are_kept_on_disk_and_damage_is_survived(python, tmp_path):
    code = """
import numpy as np
from minicnn.kernels.cpu.compile import compile_clock
from minicnn.ops import rescale
y, _ = rescale.forward(np.ones((2, 3)), np.full(3, 2.0), np.ones(3))
assert (y == 3).all()
print(compile_clock.count)
"""
    environment = {"MINICNN_CACHE_DIR": str(tmp_path)}
    assert python(code, **environment).split()[-1] == "1"
    files = [path for path in tmp_path.rglob("*.nb?") if path.is_file()]
    assert files
    assert python(code, **environment).split()[-1] == "0"
    for path in files:
        path.write_bytes(b"damaged")
    assert python(code, **environment).split()[-1] == "1"
    assert python(code, **environment).split()[-1] == "0"


def test_a_kernel_with_one_wrong_bit_is_compiled_again(python, tmp_path):
    """Numba loads machine code as it is. One wrong bit may end the process, or make wrong numbers."""
    code = """
import io, sys
sys.stderr = io.StringIO()
import numpy as np
from minicnn.kernels.cpu.compile import compile_clock
from minicnn.ops import rescale
y, _ = rescale.forward(np.ones((2, 3)), np.full(3, 2.0), np.ones(3))
assert (y == 3).all()
print(compile_clock.count, sys.stderr.getvalue().count("is damaged, so this kernel is compiled again"))
"""
    environment = {"MINICNN_CACHE_DIR": str(tmp_path)}
    assert python(code, **environment).split() == ["1", "0"]
    for path in [path for path in tmp_path.rglob("*.nb?") if path.is_file()]:
        stored = path.read_bytes()
        path.write_bytes(
            bytes([*stored[: len(stored) // 2], stored[len(stored) // 2] ^ 4, *stored[len(stored) // 2 + 1 :]])
        )
        assert python(code, **environment).split() == ["1", "1"], path.suffix
        assert python(code, **environment).split() == ["0", "0"], path.suffix


def test_every_wrong_bit_of_a_stored_kernel_is_found(tmp_path, capsys):
    files = _CheckedFiles(str(tmp_path), "kernel", source_stamp=None)
    files.save("key", ["machine code"] * 20)
    for path in tmp_path.iterdir():
        stored = path.read_bytes()
        for place in range(len(stored)):
            path.write_bytes(bytes([*stored[:place], stored[place] ^ (1 << place % 8), *stored[place + 1 :]]))
            assert files.load("key") is None
            assert "is damaged" in capsys.readouterr().err
        for end in range(0, len(stored), 7):
            path.write_bytes(stored[:end])
            assert files.load("key") is None
        path.write_bytes(stored)
    assert files.load("key") == ["machine code"] * 20


def test_files_of_other_versions_of_libraries_are_replaced(tmp_path, capsys):
    """Their hash is right, but they name modules that are not there."""
    files = _CheckedFiles(str(tmp_path), "kernel", source_stamp=None)
    files.save("key", "machine code")
    gone = b"cgone_module\nThing\n."
    for path in tmp_path.iterdir():
        path.write_bytes(hashlib.sha256(gone).digest() + gone)
        assert files.load("key") is None
        assert "is compiled again" in capsys.readouterr().err
        files.save("key", "machine code")
        assert files.load("key") == "machine code"


def test_code_for_other_types_is_not_taken(tmp_path):
    """Two processes that begin together may both call their first file 1: the last index and the last code win."""
    one, other = (_CheckedFiles(str(tmp_path), "kernel", source_stamp=None) for _ in range(2))
    one.save("float32", "code for float32")
    index = next(tmp_path.glob("*.nbi")).read_bytes()
    next(tmp_path.glob("*.nbi")).unlink()
    other.save("float64", "code for float64")
    next(tmp_path.glob("*.nbi")).write_bytes(index)
    assert one.load("float32") is None
    one.save("float32", "code for float32")
    assert other.load("float32") == "code for float32"


def test_the_first_kernel_of_a_process_may_be_a_stored_one_for_one_thread(python, tmp_path):
    code = """
import numpy as np
from minicnn.ops.dense import cpu
y, _ = cpu.forward(np.ones((1, 9), "f"), np.ones((9, 5), "f"), np.ones(5, "f"))
print(y.sum())
"""
    for _ in range(2):
        assert python(code, MINICNN_CACHE_DIR=str(tmp_path)).split()[-1] == "50.0"


def test_the_run_that_compiles_computes_the_same_bits(python, tmp_path):
    code = """
import hashlib
import numpy as np
from minicnn.kernels.cpu.compile import compile_clock
from minicnn.ops import batch_norm, conv2d
rng, digest = np.random.default_rng(0), hashlib.sha256()
x, w = rng.standard_normal((3, 9, 7, 16)).astype("f"), rng.standard_normal((2, 2, 16, 16)).astype("f")
y, saved = conv2d.forward(x, w, np.ones(16, "f"), relu=True)
found = [y, *conv2d.backward(y[::-1].copy(), saved)]
rows, ones = rng.standard_normal((70, 3)).astype("f"), np.ones(3, "f")
y, saved = batch_norm.forward(rows, 2 * ones, ones, ones.copy(), ones.copy(), training=True)
found += [y, *batch_norm.backward(rows[::-1].copy(), saved)]
for array in found:
    digest.update(np.ascontiguousarray(array).tobytes())
print(digest.hexdigest(), compile_clock.count > 0)
"""
    environment = {"MINICNN_CACHE_DIR": str(tmp_path)}
    (compiled, was_compiled), (loaded, was_not) = (python(code, **environment).split()[-2:] for _ in range(2))
    assert (was_compiled, was_not) == ("True", "False")
    assert compiled == loaded


def test_a_parallel_kernel_becomes_machine_code_once(monkeypatch):
    def double(x):
        for i in numba.prange(x.size):
            x[i] *= 2

    def doubled_by_a_new_kernel():
        doubling, x = kernel(parallel=True)(double), np.arange(1000.0)
        doubling.dispatcher._cache = NullCache()
        doubling(x)
        np.testing.assert_array_equal(x, 2 * np.arange(1000.0))
        return doubling.dispatcher.targetctx.codegen()

    codegen, translated = doubled_by_a_new_kernel(), []  # now Numba has also compiled its own code

    def add_module(module):
        translated.append(module.name)
        return type(codegen)._add_module(codegen, module)

    monkeypatch.setattr(codegen, "_add_module", add_module)
    doubled_by_a_new_kernel()
    assert translated == [double.__qualname__]


def test_two_processes_may_fill_the_cache_at_once(tmp_path):
    code = """
import numpy as np
from minicnn.ops import activation, rescale
y, saved = rescale.forward(np.ones((5, 4)), np.full(4, 3.0), np.ones(4))
assert (y == 4).all() and (rescale.backward(y, saved) == 12).all()
y, saved = activation.forward("relu", y)
assert (y == 4).all() and (activation.backward("relu", y, saved) == 4).all()
"""
    environment = {**os.environ, "MINICNN_CACHE_DIR": str(tmp_path)}
    for _ in range(2):  # an empty cache, then a full one
        runs = [
            subprocess.Popen([sys.executable, "-c", code], env=environment, stderr=subprocess.PIPE, text=True)
            for _ in range(3)
        ]
        for run in runs:
            _, said = run.communicate()
            assert run.returncode == 0, said


def test_an_unwritable_cache_is_said_in_one_line(python, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    code = """
import sys, io
sys.stderr = io.StringIO()
import numpy as np
from minicnn.ops import rescale
y, _ = rescale.forward(np.ones((2, 3)), np.full(3, 2.0), np.ones(3))
assert (y == 3).all()
print(sys.stderr.getvalue())
"""
    said = python(code, MINICNN_CACHE_DIR=str(tmp_path / "file" / "cache")).strip().splitlines()
    assert len(said) == 1
    assert "cannot write to" in said[0]


def test_the_users_own_numba_cache_is_left_alone():
    assert numba.config.CACHE_DIR in ("", None) or str(cache_folder()) not in numba.config.CACHE_DIR


def test_a_changed_source_compiles_again_what_is_made_of_it(python, tmp_path):
    """The kernels of its own folder; all kernels where it is one that all share; and no others."""
    package = shutil.copytree(Path(minicnn.__file__).parent, tmp_path / "minicnn")
    code = f"""
import sys
sys.path.insert(0, {str(tmp_path)!r})
import numpy as np
from minicnn.kernels.cpu.compile import compile_clock
from minicnn.ops import rescale
from minicnn.runtime import gather
rescale.forward(np.ones((2, 3)), np.full(3, 2.0), np.ones(3))
rescaling = compile_clock.count
gather.forward(np.ones((4, 3)), np.array([1, 0]), np.float64)
print(rescaling, compile_clock.count - rescaling)
"""

    def compiled():
        return python(code, MINICNN_CACHE_DIR=str(tmp_path / "cache")).split()

    assert compiled() == ["1", "1"]
    assert compiled() == ["0", "0"]
    for file, expected in (
        ("runtime/gather/cpu.py", ["0", "1"]),
        ("ops/rescale/cpu.py", ["1", "0"]),
        ("ops/dense/cpu.py", ["0", "0"]),
        ("kernels/cpu/vector_loop.py", ["1", "1"]),
    ):
        with (package / file).open("a") as source:
            source.write("# changed")
        assert compiled() == expected, file


def test_two_threads_may_predict_at_once_on_the_threading_layer_that_aborts(python):
    """Numba's workqueue layer kills the process when two threads launch parallel kernels at the same time."""
    code = """
import threading
import numpy as np
import minicnn
from minicnn import layers
model = minicnn.Sequential([layers.Input((8, 8, 1)), layers.Conv2D(4, 3), layers.ReLU(), layers.MaxPooling2D(),
                            layers.Flatten(), layers.Dense(3, activation="softmax")])
x = np.random.default_rng(0).normal(size=(16, 8, 8, 1))
expected = model.predict(x, verbose=0)
wrong = []
def work():
    for _ in range(40):
        if not np.array_equal(model.predict(x, verbose=0), expected):
            wrong.append(1)
threads = [threading.Thread(target=work) for _ in range(4)]
[thread.start() for thread in threads]; [thread.join() for thread in threads]
import numba
print(len(wrong), numba.threading_layer())
"""
    assert python(code, NUMBA_THREADING_LAYER="workqueue").split() == ["0", "workqueue"]


def test_warmup_leaves_nothing_to_compile(python):
    """No kernel gets a new signature, neither compiled nor loaded from a cache that other tests have filled."""
    code = """
import gc
import numpy as np
from numba.core.registry import CPUDispatcher
from minicnn import Sequential, layers, warmup
warmup.main()
def signatures():
    return sum(len(found.overloads) for found in gc.get_objects() if type(found) is CPUDispatcher)
count = signatures()
x, y = np.ones((8, 12, 12, 3), np.float32), np.arange(8) % 3
model = Sequential([layers.Conv2D(32, 3, padding="same", activation="relu"), layers.MaxPooling2D(),
                    layers.Conv2D(64, 3, activation="relu"), layers.MaxPooling2D(), layers.Flatten(),
                    layers.Dense(100, activation="relu"), layers.Dropout(0.4), layers.Dense(10, activation="softmax")])
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(x, y, verbose=0, validation_split=0.5)
model.predict(x, verbose=0)
assert signatures() == count > 20, (signatures(), count)
"""
    assert "Compiled" in python(code)
