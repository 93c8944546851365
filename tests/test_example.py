"""The examples run as a user would run them, on real data and without data."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from matplotlib import get_cachedir
from PIL import Image

from minicnn.kernels.cpu.compile import cache_folder

ROOT = Path(__file__).resolve().parents[1]
LAST_LINE = r"test accuracy (0\.\d{4})  test loss (\d\.\d{4})  data (\w+)  backend (\w+)"
FIGURES = {"curves", "predictions", "confusion", "filters", "maps"}


def run(tmp_path, *options, **environment):
    result = subprocess.run(
        [sys.executable, ROOT / "examples" / "fashion_mnist.py", "--output", tmp_path / "figures", *options],
        capture_output=True, text=True, cwd=tmp_path, env={**os.environ, **environment},
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    return result.stdout.splitlines()


def assert_figures(folder, source):
    paths = sorted(folder.glob("*.png"))
    assert {path.stem for path in paths} == {f"{source}_{name}" for name in FIGURES}
    for path in paths:
        with Image.open(path) as image:
            assert min(image.size) > 300
            assert len(image.convert("RGB").getcolors(2**24)) > 50, f"{path.name} is nearly empty"
    page = (folder / f"{source}_explore.html").read_text(encoding="utf-8")
    assert "Ankle boot" in page and '"epoch": 0' in page and len(page) < 3_000_000


def test_on_real_images(tmp_path, real_data):
    said = run(tmp_path, "--epochs", "2", "--limit", "4000", "--seed", "1", "--data-dir", str(real_data))
    accuracy, loss, source, backend = re.fullmatch(LAST_LINE, said[-1]).groups()
    assert (source, backend) == ("fashion_mnist", "cpu")
    assert float(accuracy) > 0.7
    assert float(loss) < 1
    assert any("333,526" in line for line in said)
    assert_figures(tmp_path / "figures", "fashion_mnist")
    assert said[-2].startswith(f"open {tmp_path / 'figures' / 'fashion_mnist_explore.html'} in a browser")


@pytest.mark.parametrize("backend", ["cpu", "numpy"])
def test_without_data_every_line_says_synthetic(tmp_path, backend):
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "kernels").symlink_to(cache_folder())  # compiled by other tests
    environment = {
        "HOME": str(tmp_path), "MINICNN_CACHE_DIR": str(tmp_path / "cache"), "MPLCONFIGDIR": get_cachedir(),
        "MINICNN_DATA": "", "KERAS_HOME": "", "http_proxy": "http://127.0.0.1:9",
    }  # fmt: skip
    said = run(tmp_path, "--epochs", "1", "--limit", "1000", "--backend", backend, **environment)
    assert all("synthetic" in line for line in said)
    assert any("was not found. Looked in: " in line for line in said)
    assert re.fullmatch(LAST_LINE, said[-1]).groups()[2:] == ("synthetic", backend)
    assert_figures(tmp_path / "figures", "synthetic")


def test_options_that_make_no_sense(tmp_path):
    for options in (["--limit", "0"], ["--epochs", "-1"], ["--backend", "quantum"]):
        result = subprocess.run(
            [sys.executable, ROOT / "examples" / "fashion_mnist.py", *options], capture_output=True, text=True
        )
        assert result.returncode == 2
        assert options[0] in result.stderr


def test_your_own_layer_trains_and_has_right_gradients(tmp_path):
    result = subprocess.run(
        [sys.executable, ROOT / "examples" / "your_own_layer.py"], capture_output=True, text=True, cwd=tmp_path
    )
    assert result.returncode == 0, result.stderr
    assert float(re.search(r"gradients right to (\S+)", result.stdout).group(1)) < 1e-6
    assert "learned slopes" in result.stdout


def test_cifar10(tmp_path, real_data):
    options = ["--epochs", "1", "--limit", "1500", "--output", tmp_path / "figures", "--data-dir", real_data]
    result = subprocess.run(
        [sys.executable, ROOT / "examples" / "cifar10.py", *options], capture_output=True, text=True, cwd=tmp_path
    )
    assert result.returncode == 0, result.stderr
    assert re.fullmatch(r"test accuracy 0\.\d{4}  test loss \d+\.\d{4}", result.stdout.splitlines()[-1])
    figures = {path.stem for path in (tmp_path / "figures").iterdir()}
    assert figures == {f"cifar10_{name}" for name in ("curves", "predictions", "confusion", "grad_cam")}


@pytest.fixture
def few_photographs(tmp_path, real_data):
    """A folder like cats_and_dogs, with 40 photographs for training and 16 for validation."""
    for part, count in (("train", 20), ("validation", 8)):
        for name in ("cats", "dogs"):
            folder = tmp_path / "photographs" / part / name
            folder.mkdir(parents=True)
            for file in sorted((real_data / "cats_and_dogs" / part / name).glob("*.jpg"))[:count]:
                shutil.copy(file, folder)
    return tmp_path / "photographs"


def test_cats_and_dogs(tmp_path, real_data, few_photographs):
    options = ["--quick", "--data", few_photographs, "--output", tmp_path / "figures"]
    result = subprocess.run(
        [sys.executable, ROOT / "examples" / "cats_and_dogs.py", *options],
        capture_output=True, text=True, cwd=tmp_path, env={**os.environ, "MINICNN_DATA": str(real_data)},
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    lines = result.stdout.splitlines()
    ways = [line.split()[0] for line in lines if re.search(r"0\.\d{4}  +\d\.\d{4} +\d+$", line)]
    assert ways == ["plain", "augmented", "transfer", "fine-tuned"]
    head = 2 * 2048 + 2048 + 1  # batch normalization and Dense(1) over 4 x 4 parts of 128 channels
    stage3 = 3 * 3 * 64 * 128 + 3 * 3 * 128 * 128
    assert f"transfer: {head:,} weights are trained" in lines
    assert f"fine-tuned: {head + stage3:,} weights are trained" in lines
    made = {path.stem for path in (tmp_path / "figures").glob("*.png")}
    drawn = ["augmentation", "wrong", *(f"grad_cam_{c}" for c in ("cat", "dog")), *(f"curves_{way}" for way in ways)]
    assert made == {f"cats_and_dogs_{name}" for name in drawn}
    page = tmp_path / "figures" / "cats_and_dogs_explore.html"
    assert lines[-1].startswith(f"Open {page} in a browser") and "stage3_conv1" in page.read_text(encoding="utf-8")
