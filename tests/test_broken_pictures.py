"""Broken, enormous and unusual pictures, and wrong arguments: every error is one clear sentence."""

from __future__ import annotations

import io
import random

import numpy as np
import pytest
from photographs import RNG, photograph, two_classes_of_photographs
from PIL import Image

import minicnn as keras
from minicnn.preprocessing.image import ImageDataGenerator, array_to_img, img_to_array, load_img


@pytest.fixture
def folder(tmp_path):
    return two_classes_of_photographs(tmp_path)


BROKEN = {
    "empty": (b"", "it is empty"),
    "text": (b"<html>404 not found</html>", "Pillow does not recognize it as an image"),
    "truncated": (None, "truncated"),
    "zero size": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\0\0\0\0\0\x08\x02\0\0\0", ""),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_file_is_named(folder, kind, capsys):
    content, said = BROKEN[kind]
    if content is None:
        buffer = io.BytesIO()
        Image.fromarray(RNG.integers(0, 256, (50, 60, 3)).astype(np.uint8)).save(buffer, "jpeg")
        content = buffer.getvalue()[: len(buffer.getvalue()) // 2]
    (folder / "cats" / "broken.jpg").write_bytes(content)
    flow = ImageDataGenerator().flow_from_directory(folder, (8, 8), batch_size=32, shuffle=False)
    with pytest.raises(ValueError, match=rf"broken\.jpg cannot be used: .*{said}"):
        flow[0]
    with pytest.raises(ValueError, match=r"broken\.jpg"):
        for _ in keras.utils.image_dataset_from_directory(folder, image_size=(8, 8), shuffle=False):
            pass
    capsys.readouterr()
    kept = ImageDataGenerator().flow_from_directory(folder, (8, 8), batch_size=32, broken_files="skip")
    out = capsys.readouterr().out
    assert "broken.jpg cannot be used" in out and "Found 18 images" in out
    assert kept[0][0].shape == (18, 8, 8, 3)


def test_enormous_and_animated_pictures_are_refused(tmp_path):
    header = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + (100_000).to_bytes(4, "big") * 2 + b"\x08\x02\0\0\0"
    (tmp_path / "enormous.png").write_bytes(header + b"\0\0\0\0")
    with pytest.raises(ValueError, match=r"enormous\.png cannot be used"):
        load_img(tmp_path / "enormous.png")
    frames = [Image.fromarray(photograph()) for _ in range(3)]
    frames[0].save(tmp_path / "moving.gif", save_all=True, append_images=frames[1:])
    with pytest.raises(ValueError, match=r"moving\.gif cannot be used: it holds 3 images"):
        load_img(tmp_path / "moving.gif")
    with pytest.raises(FileNotFoundError):
        load_img(tmp_path / "nowhere.png")


def test_unusual_pictures_look_as_they_should(tmp_path):
    """CMYK, 16 bits, a palette with transparency and a PNG named .jpg load as they look, not black or white."""
    picture = Image.fromarray(photograph())
    picture.convert("CMYK").save(tmp_path / "cmyk.jpg", quality=95)
    picture.save(tmp_path / "really.png")
    (tmp_path / "really.png").rename(tmp_path / "mislabelled.jpg")
    grey = photograph(C=1)[:, :, 0].astype(np.uint16)
    Image.fromarray(grey * 257).save(tmp_path / "deep.png")
    picture.quantize(64).save(tmp_path / "palette.png", transparency=b"\xff" * 64)
    for name, wanted, allowed in (
        ("cmyk.jpg", photograph_of(picture), 12),
        ("mislabelled.jpg", photograph_of(picture), 0),
        ("deep.png", np.repeat(grey[..., None], 3, axis=-1), 1),
        ("palette.png", photograph_of(picture), 40),
    ):
        found = img_to_array(load_img(tmp_path / name))
        assert np.abs(found - wanted).mean() <= allowed, name


def photograph_of(picture):
    return np.asarray(picture).astype(np.float32)


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::PIL.Image.DecompressionBombWarning")
def test_thousands_of_mutated_files(tmp_path):
    """A file with changed, missing or added bytes gives an image or a ValueError, and no other error."""
    generator, tries, refused = random.Random(5), 4000, 0
    originals = []
    for format in ("jpeg", "png", "bmp", "gif", "tiff"):
        buffer = io.BytesIO()
        Image.fromarray(photograph(16, 18)).save(buffer, format)
        originals.append(buffer.getvalue())
    for i in range(tries):
        content = bytearray(originals[i % len(originals)])
        for _ in range(generator.choice((1, 2, 5, 30))):
            place = generator.randrange(len(content))
            what = generator.randrange(4)
            if what == 0:
                content[place] = generator.randrange(256)
            elif what == 1:
                del content[place : place + generator.randrange(1, 40)]
            elif what == 2:
                content[place:place] = generator.randbytes(generator.randrange(1, 20))
            else:
                content[place] ^= 1 << generator.randrange(8)
            if not content:
                content = bytearray(b"\0")
        file = tmp_path / "mutated.jpg"
        file.write_bytes(content)
        try:
            array = img_to_array(load_img(file, target_size=(8, 8)))
        except ValueError as error:
            assert "mutated.jpg cannot be used" in str(error)
            refused += 1
        else:
            assert array.shape == (8, 8, 3)
    assert tries // 10 < refused < tries


@pytest.mark.parametrize(
    ("make", "error", "said"),
    [
        (lambda f: ImageDataGenerator(validation_split=2), ValueError, "validation_split"),
        (lambda f: ImageDataGenerator(zoom_range="a"), ValueError, "zoom_range"),
        (lambda f: ImageDataGenerator(brightness_range=0.5), ValueError, "brightness_range"),
        (lambda f: ImageDataGenerator(fill_mode="mirror"), ValueError, "fill_mode must be one of"),
        (lambda f: ImageDataGenerator(interpolation_order=3), ValueError, "order"),
        (lambda f: ImageDataGenerator().flow_from_directory(f / "none"), FileNotFoundError, "There is no folder"),
        (lambda f: ImageDataGenerator().flow_from_directory(f, class_mode="both"), ValueError, "class_mode"),
        (lambda f: ImageDataGenerator().flow_from_directory(f, color_mode="cmyk"), ValueError, "color_mode"),
        (lambda f: ImageDataGenerator().flow_from_directory(f, batch_size=0), ValueError, "batch_size"),
        (lambda f: ImageDataGenerator().flow_from_directory(f, classes=["cows"]), FileNotFoundError, "cows"),
        (lambda f: ImageDataGenerator().flow(np.zeros((3, 4, 5))), ValueError, r"\(n, H, W, C\)"),
        (lambda f: ImageDataGenerator().flow(np.zeros((3, 4, 5, 1)), np.zeros(2)), ValueError, "one entry for each"),
        (lambda f: keras.utils.image_dataset_from_directory(f, validation_split=0.2), ValueError, "must be given"),
        (lambda f: keras.utils.image_dataset_from_directory(f, interpolation="best"), ValueError, "interpolation"),
        (lambda f: keras.utils.image_dataset_from_directory(f, label_mode="words"), ValueError, "label_mode"),
        (lambda f: keras.utils.image_dataset_from_directory(f, labels=[1, 2]), ValueError, "2 labels"),
        (lambda f: load_img(f / "cats" / "cats0.jpg", color_mode="blue"), ValueError, "color_mode must be"),
        (lambda f: load_img(f / "cats" / "cats0.jpg", target_size=(0, 4)), ValueError, "target_size"),
        (
            lambda f: load_img(f / "cats" / "cats0.jpg", target_size=(4, 4), interpolation="x"),
            ValueError,
            "interpolation",
        ),
        (lambda f: array_to_img(np.zeros((3, 3, 2))), ValueError, "1, 3 or 4 channels"),
    ],
)
def test_mistakes_are_reported(folder, make, error, said):
    with pytest.raises(error, match=said):
        make(folder)


def test_memory_stays_flat(folder):
    import tracemalloc

    flow = ImageDataGenerator(rotation_range=20).flow_from_directory(folder, (64, 64), batch_size=4)
    for batch in range(len(flow)):
        flow[batch]
    tracemalloc.start()
    for _ in range(6 * len(flow)):
        next(flow)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 300_000, "of six epochs, a batch of 200 kB at most may be left"
