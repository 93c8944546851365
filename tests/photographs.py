"""Pictures for the tests of files: a formula makes them, and they are written to folders."""

from __future__ import annotations

import numpy as np
from PIL import Image

RNG = np.random.default_rng(7)


def photograph(H=24, W=31, C=3):
    """A smooth random image (H, W, C) of uint8."""
    rows, columns = np.mgrid[0:H, 0:W]
    waves = [np.sin(rows / (3 + c) + RNG.uniform(0, 6)) + np.cos(columns / (4 + c)) for c in range(C)]
    return (127 + 60 * np.stack(waves, axis=-1)).clip(0, 255).astype(np.uint8)


def two_classes_of_photographs(tmp_path):
    """Write two classes of pictures, in three formats and several sizes; return their folder."""
    for label, name in enumerate(("cats", "dogs")):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for i in range(9):
            ending = ("jpg", "png", "bmp")[i % 3]
            picture = Image.fromarray(photograph(20 + 3 * i, 30 - i + 5 * label))
            picture.save(tmp_path / "photos" / name / f"{name}{i}.{ending}")
    (tmp_path / "photos" / "cats" / "notes.txt").write_text("no picture")
    return tmp_path / "photos"
