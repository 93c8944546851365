"""Where minicnn looks for data sets, in which order, and what it says when something is wrong."""

from __future__ import annotations

import gzip
import hashlib
import inspect
import pickle
import struct
import subprocess
import sys
import time
import zipfile

import numpy as np
import pytest

from minicnn import datasets
from minicnn.datasets import sources, tfds_source


@pytest.fixture(autouse=True)
def empty_home(tmp_path, monkeypatch):
    """No place has any data, and no host answers."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("MINICNN_CACHE_DIR", str(tmp_path / "cache"))
    for name in ("MINICNN_DATA", "KERAS_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(tfds_source, "answers", lambda host: False)


def pictures(n=6, shape=(28, 28), seed=0):
    rng = np.random.default_rng(seed)
    return {
        "x_train": rng.integers(0, 256, (n, *shape), dtype=np.uint8), "y_train": rng.integers(0, 10, n, dtype=np.uint8),
        "x_test": rng.integers(0, 256, (3, *shape), dtype=np.uint8), "y_test": rng.integers(0, 10, 3, dtype=np.uint8),
    }  # fmt: skip


def idx(array):
    return b"\0\0\x08" + bytes([array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def write_idx(folder, parts, compress=True):
    folder.mkdir(parents=True)
    names = ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")
    for name, array in zip(names, parts.values(), strict=True):
        content = idx(array)
        path = folder / f"{name}-ubyte{'.gz' if compress else ''}"
        path.write_bytes(gzip.compress(content) if compress else content)


def assert_loaded(loaded, parts, label_shape=()):
    (x_train, y_train), (x_test, y_test) = loaded
    for found, name in ((x_train, "x_train"), (y_train, "y_train"), (x_test, "x_test"), (y_test, "y_test")):
        assert found.dtype == np.uint8
        assert found.flags.c_contiguous
        wanted = parts[name] if name.startswith("x") else parts[name].reshape(-1, *label_shape)
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("compress", [True, False])
def test_idx_files_in_a_folder(tmp_path, monkeypatch, capsys, compress):
    write_idx(tmp_path / "data" / "mnist", pictures(), compress)
    monkeypatch.setenv("MINICNN_DATA", str(tmp_path / "data"))
    assert_loaded(datasets.mnist.load_data(), pictures())
    assert capsys.readouterr().out == f"mnist: from {tmp_path / 'data'}\n"


@pytest.mark.parametrize("place", ["fashion-mnist/fashion_mnist.npz", "fashion_mnist.npz"])
def test_npz_files_in_a_folder(tmp_path, place):
    path = tmp_path / "data" / place
    path.parent.mkdir(parents=True)
    np.savez(path, **pictures())
    assert_loaded(datasets.fashion_mnist.load_data(data_dir=tmp_path / "data"), pictures())


def test_cifar_labels_are_columns(tmp_path):
    (tmp_path / "data" / "cifar10").mkdir(parents=True)
    parts = pictures(shape=(32, 32, 3))
    np.savez(tmp_path / "data" / "cifar10" / "cifar10.npz", **parts)
    assert_loaded(datasets.cifar10.load_data(tmp_path / "data"), parts, (1,))


def test_the_order_of_the_places(tmp_path, monkeypatch, capsys):
    """data_dir, MINICNN_DATA, Keras's cache, an earlier download, tensorflow_datasets; each hides the later ones."""

    monkeypatch.setattr(tfds_source, "download", lambda description: pictures(seed=5))
    assert_loaded(datasets.mnist.load_data(), pictures(seed=5))
    monkeypatch.setattr(tfds_source, "download", lambda description: pytest.fail("downloaded a second time"))
    assert_loaded(datasets.mnist.load_data(), pictures(seed=5))
    keras = tmp_path / "home" / ".keras" / "datasets"
    keras.mkdir(parents=True)
    np.savez(keras / "mnist.npz", **pictures(seed=3))
    assert_loaded(datasets.mnist.load_data(), pictures(seed=3))
    write_idx(tmp_path / "environment" / "mnist", pictures(seed=2))
    monkeypatch.setenv("MINICNN_DATA", str(tmp_path / "environment"))
    assert_loaded(datasets.mnist.load_data(), pictures(seed=2))
    write_idx(tmp_path / "argument" / "mnist", pictures(seed=1))
    assert_loaded(datasets.mnist.load_data(tmp_path / "argument"), pictures(seed=1))
    said = capsys.readouterr().out.splitlines()
    kept = tmp_path / "cache" / "datasets" / "mnist.npz"
    assert said == [
        "mnist: from tensorflow_datasets", f"mnist: from {kept} (downloaded earlier)",
        f"mnist: from Keras's cache {keras}", f"mnist: from {tmp_path / 'environment'}",
        f"mnist: from {tmp_path / 'argument'}",
    ]  # fmt: skip


def test_keras_s_own_caches(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    folder = tmp_path / "keras" / "datasets"
    write_idx(folder / "fashion-mnist", pictures())
    assert_loaded(datasets.fashion_mnist.load_data(), pictures())
    parts = pictures(10, (32, 32, 3))
    batches = folder / "cifar-10-batches-py-target" / "cifar-10-batches-py"
    batches.mkdir(parents=True)
    for i in range(5):
        rows = slice(2 * i, 2 * i + 2)
        _write_cifar_batch(batches / f"data_batch_{i + 1}", parts["x_train"][rows], parts["y_train"][rows])
    _write_cifar_batch(batches / "test_batch", parts["x_test"], parts["y_test"])
    assert_loaded(datasets.cifar10.load_data(), parts, (1,))


@pytest.mark.parametrize("mode", ["fine", "coarse"])
def test_cifar100_from_keras_s_cache(tmp_path, monkeypatch, mode):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    parts = pictures(10, (32, 32, 3))
    parts["y_train"][0] = 19
    folder = tmp_path / "keras" / "datasets" / "cifar-100-python-target" / "cifar-100-python"
    folder.mkdir(parents=True)
    for part in ("train", "test"):
        x, y = parts[f"x_{part}"], parts[f"y_{part}"]
        _write_cifar_batch(folder / part, x, y, fine_labels=(y + 80).tolist(), coarse_labels=y.tolist())
    (x, y), (x_test, y_test) = datasets.cifar100.load_data(mode)
    np.testing.assert_array_equal(x, parts["x_train"])
    np.testing.assert_array_equal(x_test, parts["x_test"])
    np.testing.assert_array_equal(y, parts["y_train"].reshape(-1, 1) + (80 if mode == "fine" else 0))
    np.testing.assert_array_equal(y_test, parts["y_test"].reshape(-1, 1) + (80 if mode == "fine" else 0))
    with pytest.raises(ValueError, match="label_mode must be"):
        datasets.cifar100.load_data("medium")


def test_cifar100_is_asked_for_by_its_name(monkeypatch):
    asked = []
    found = pictures(shape=(32, 32, 3))
    monkeypatch.setattr(tfds_source, "download", lambda description: asked.append(description) or found)
    datasets.cifar100.load_data("coarse")
    assert (asked[0].tfds_name, asked[0].tfds_labels, asked[0].classes) == ("cifar100", "coarse_label", 20)


def _write_cifar_batch(path, x, y, **labels):
    named = {name.encode(): values for name, values in (labels or {"labels": y.tolist()}).items()}
    content = {b"data": x.transpose(0, 3, 1, 2).reshape(len(x), -1), **named}
    path.write_bytes(pickle.dumps(content, protocol=2))


def test_a_pickle_that_would_run_code_is_refused(tmp_path, monkeypatch):
    class Evil:
        def __reduce__(self):
            return (exec, (f"open({str(tmp_path / 'ran')!r}, 'w')",))

    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    batches = tmp_path / "keras" / "datasets" / "cifar-10-batches-py"
    batches.mkdir(parents=True)
    for name in [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]:
        (batches / name).write_bytes(pickle.dumps(Evil()))
    with pytest.raises(ValueError, match=r"would load (builtins|__builtin__)\.exec"):
        datasets.cifar10.load_data()
    assert not (tmp_path / "ran").exists()


def damaged(kind, path, parts):
    content = gzip.decompress(path.read_bytes())
    if kind == "cut short":
        path.write_bytes(path.read_bytes()[:40])
    elif kind == "a byte flipped":
        raw = bytearray(path.read_bytes())
        raw[len(raw) // 2] ^= 0xFF
        path.write_bytes(raw)
    elif kind == "not gzip":
        path.write_bytes(b"<html>not found</html>")
    elif kind == "numbers missing":
        path.write_bytes(gzip.compress(content[:-7]))
    elif kind == "other numbers":
        path.write_bytes(gzip.compress(b"\0\0\x0d\x03" + content[4:]))
    elif kind == "other shape":
        path.write_bytes(gzip.compress(idx(parts["x_train"].reshape(-1, 14, 56))))
    elif kind == "fewer pictures":
        path.write_bytes(gzip.compress(idx(parts["x_train"][:4])))
    elif kind == "numbers too many":
        path.write_bytes(gzip.compress(content + bytes(1)))
    elif kind == "sizes missing":
        path.write_bytes(gzip.compress(content[:9]))
    elif kind == "a bomb":
        path.write_bytes(
            gzip.compress(content[:4] + np.array([300_000, 28, 28], ">u4").tobytes() + bytes(300_000 * 784))
        )


@pytest.mark.parametrize(
    "kind",
    ["cut short", "a byte flipped", "not gzip", "numbers missing", "other numbers", "other shape", "fewer pictures",
     "numbers too many", "sizes missing", "a bomb"],
)  # fmt: skip
def test_damaged_files_are_named_and_not_passed_over(tmp_path, kind):
    folder = tmp_path / "data" / "mnist"
    write_idx(folder, pictures())
    damaged(kind, folder / "train-images-idx3-ubyte.gz", pictures())
    with pytest.raises(ValueError, match=r"train-images-idx3-ubyte\.gz cannot be read|mnist from .*data"):
        datasets.mnist.load_data(tmp_path / "data")


def test_headers_that_claim_too_much_are_reported(tmp_path):
    (tmp_path / "cifar10").mkdir()
    file = tmp_path / "cifar10" / "cifar10.npz"
    np.savez(file, **pictures(shape=(32, 32, 3)))
    with zipfile.ZipFile(file) as old:
        members = {name: old.read(name) for name in old.namelist()}
    shape = str(pictures(shape=(32, 32, 3))["x_train"].shape).encode()
    longer = b"(1000000000000000, 32, 32, 3)"
    header = members["x_train.npy"]
    start = header.index(shape)
    rest = header[start + len(shape) :]
    members["x_train.npy"] = header[:start] + longer + rest.replace(b" " * (len(longer) - len(shape)) + b"\n", b"\n", 1)
    members["y_train.npy"] = members["y_train.npy"].replace(b"}", b" ", 1)
    for wrong in ("x_train.npy", "y_train.npy"):
        with zipfile.ZipFile(file) as old:
            right = {name: old.read(name) for name in old.namelist()}
        with zipfile.ZipFile(tmp_path / "cifar10.npz", "w") as new:
            for name, content in {**right, wrong: members[wrong]}.items():
                new.writestr(name, content)
        (tmp_path / "only").mkdir(exist_ok=True)
        (tmp_path / "cifar10.npz").replace(tmp_path / "only" / "cifar10.npz")
        with pytest.raises(ValueError, match=r"cifar10\.npz cannot be read"):
            datasets.cifar10.load_data(tmp_path / "only")


@pytest.mark.parametrize("change", ["label", "channels first", "floats", "no y_test"])
def test_arrays_that_are_not_the_data_set(tmp_path, change):
    parts = pictures(shape=(32, 32, 3))
    if change == "label":
        parts["y_train"][0] = 10
    elif change == "channels first":
        parts["x_train"] = parts["x_train"].transpose(0, 3, 1, 2)
    elif change == "floats":
        parts["x_train"] = parts["x_train"] / 255
    else:
        del parts["y_test"]
    (tmp_path / "cifar10").mkdir()
    np.savez(tmp_path / "cifar10" / "cifar10.npz", **parts)
    with pytest.raises(ValueError, match=r"cifar10"):
        datasets.cifar10.load_data(tmp_path)


def test_a_damaged_download_is_said_and_replaced(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(tfds_source, "download", lambda description: pictures(seed=5))
    datasets.mnist.load_data()
    kept = tmp_path / "cache" / "datasets" / "mnist.npz"
    np.savez(kept, **pictures(seed=6), sha256=np.array(hashlib.sha256(b"other").hexdigest()))
    assert_loaded(datasets.mnist.load_data(), pictures(seed=5))
    assert f"{kept} is damaged and is not used" in capsys.readouterr().err
    assert_loaded(sources.load(datasets.mnist.DESCRIPTION).arrays, pictures(seed=5))


def test_a_download_that_cannot_be_kept_is_used_and_reported(tmp_path, monkeypatch, capsys):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MINICNN_CACHE_DIR", str(tmp_path / "file" / "cache"))
    monkeypatch.setattr(tfds_source, "download", lambda description: pictures())
    assert_loaded(datasets.mnist.load_data(), pictures())
    assert "the download is not kept" in capsys.readouterr().err


def test_nothing_anywhere_is_one_error_that_names_every_place(tmp_path, monkeypatch):
    monkeypatch.setenv("MINICNN_DATA", str(tmp_path / "nothing"))
    with pytest.raises(FileNotFoundError) as caught:
        datasets.fashion_mnist.load_data(data_dir=tmp_path / "neither")
    message = str(caught.value)
    for place in (
        "neither",
        "nothing",
        ".keras",
        "cache",
        "tensorflow_datasets (",
        "did not answer within 2.5 seconds",
    ):
        assert place in message
    assert caught.value.__suppress_context__


def test_no_network_is_found_out_within_seconds(monkeypatch):
    """An address that never answers, an address that refuses, and a name that does not exist."""
    monkeypatch.undo()
    for url in ("http://192.0.2.1/", "http://127.0.0.1:9/", "http://host.invalid/"):
        started = time.perf_counter()
        assert not tfds_source.answers(url)
        assert time.perf_counter() - started < 3.5


def test_without_tensorflow_datasets(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_datasets", None)
    with pytest.raises(FileNotFoundError, match=r'not installed: pip install "minicnn\[data\]"'):
        datasets.mnist.load_data()


@pytest.fixture
def real(real_data, monkeypatch):
    monkeypatch.setenv("MINICNN_DATA", str(real_data))


def test_the_real_data(real):
    for name, image, label in (
        ("fashion_mnist", (28, 28), ()),
        ("mnist", (28, 28), ()),
        ("cifar10", (32, 32, 3), (1,)),
    ):
        (x_train, y_train), (x_test, y_test) = getattr(datasets, name).load_data()
        train = 50_000 if name == "cifar10" else 60_000
        assert x_train.shape == (train, *image)
        assert x_test.shape == (10_000, *image)
        assert y_train.shape == (train, *label)
        assert np.bincount(y_test.ravel()).tolist() == [1000] * 10 or name == "mnist"
    (x, y), _ = datasets.fashion_mnist.load_data()
    assert y[:10].tolist() == [9, 0, 0, 3, 0, 2, 7, 2, 5, 5]
    assert 72 < x.mean() < 74


OFFLINE_TFDS = """
import sys, time
from importlib.machinery import PathFinder

class WithoutTensorFlow:
    @staticmethod
    def find_spec(name, path=None, target=None):
        return None if name.split(".")[0] == "tensorflow" else PathFinder.find_spec(name, path, target)

sys.meta_path[sys.meta_path.index(PathFinder)] = WithoutTensorFlow
try:
    import tensorflow
except ImportError:
    pass
else:
    raise SystemExit("tensorflow must not be importable here")

from minicnn.datasets import fashion_mnist, sources, tfds_source
parts = tfds_source.download(fashion_mnist.DESCRIPTION, manual_dir=sys.argv[1], data_dir=sys.argv[2])
sources.keep(parts, sources.cache_folder() / "fashion_mnist.npz")
started = time.perf_counter()
(x, y), (x_test, y_test) = fashion_mnist.load_data()
print(time.perf_counter() - started, x.shape, HASHES(x, y), x_test.shape, "tensorflow" in sys.modules)
"""


def hashes(x, y):
    """One number for a set of images with their labels, the same in every order."""
    import zlib

    return sum(zlib.crc32(image.tobytes()) * (int(label) + 1) for image, label in zip(x, y, strict=True))


def test_tensorflow_datasets_offline_and_without_tensorflow(tmp_path, real_data):
    """The real tensorflow_datasets reads local files, in a process that cannot import TensorFlow."""
    import os

    code = inspect.getsource(hashes) + OFFLINE_TFDS.replace("HASHES", "hashes")
    result = subprocess.run(
        [sys.executable, "-c", code, real_data / "fashion-mnist", tmp_path / "tfds"],
        capture_output=True, text=True, env={**os.environ, "MINICNN_CACHE_DIR": str(tmp_path / "cache")},
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    seconds, rest = result.stdout.splitlines()[-1].split(" ", 1)
    (x, y), _ = datasets.fashion_mnist.load_data(real_data)
    # tensorflow_datasets stores the images in another order
    assert rest == f"(60000, 28, 28) {hashes(x, y)} (10000, 28, 28) False"
    assert "downloaded earlier" in result.stdout
    assert float(seconds) < 10  # it only reads a file and prepares nothing: under a second on an idle machine


def test_without_the_package_that_reads_tfds_files_the_error_says_what_to_do(tmp_path, monkeypatch):
    pytest.importorskip("tensorflow_datasets")
    monkeypatch.setitem(sys.modules, "array_record", None)
    with pytest.raises(sources.DataNotFoundError, match="Windows and Macs with Intel: download Keras's files"):
        datasets.mnist.load_data()
