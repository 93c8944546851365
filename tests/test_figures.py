"""Figures show themselves in notebooks, and find fonts for any script."""

from __future__ import annotations

import io

import numpy as np
import pytest
from matplotlib.font_manager import fontManager
from PIL import Image

import minicnn
from minicnn import figures, layers, utils, visualize


@pytest.fixture(autouse=True)
def fresh():
    """What is known of fonts is forgotten before and after."""
    known = (figures._lacking, figures._fonts_with, figures._installed, figures._has, figures._face, figures._tell_once)
    for function in known:
        function.cache_clear()
    yield
    for function in known:
        function.cache_clear()


def some_figures():
    model = minicnn.Sequential([layers.Input((6, 6, 1)), layers.Conv2D(2, 3), layers.Flatten(), layers.Dense(3)])
    model.compile("sgd", "mse")
    x = np.random.default_rng(0).random((4, 6, 6, 1))
    fitted = model.fit(x, np.ones((4, 3)), verbose=0)
    return {
        "plot_model": utils.plot_model(model, to_file=None), "history": visualize.history(fitted),
        "filters": visualize.filters(model.layers[0]), "pixels": visualize.pixels(x[0]),
    }  # fmt: skip


def test_the_last_line_of_a_cell_shows_a_picture():
    """Notebooks ask an object for `_repr_png_`. Without it they show "<Figure size 640x480 with 1 Axes>"."""
    for name, figure in some_figures().items():
        picture = Image.open(io.BytesIO(figure._repr_png_()))
        assert picture.format == "PNG" and min(picture.size) > 50, name
        assert len(set(np.asarray(picture.convert("L")).ravel().tolist())) > 2, name


def test_characters_that_the_font_lacks_come_from_another(monkeypatch):
    """Liberation Sans has no Armenian letters; DejaVu Sans, one of matplotlib's own fonts, has them."""
    names = {font.name for font in fontManager.ttflist}
    assert "DejaVu Sans" in names
    monkeypatch.setattr(figures, "_FONTS", ("No such font", "DejaVu Sans"))
    figure = figures.figure_of((2, 2))
    text = figure.text(0.1, 0.1, "\u0561\u0562 plain", fontfamily="cmr10")
    plain = figure.text(0.1, 0.5, "plain", fontfamily="cmr10")
    figure._repr_png_()
    assert text.get_fontfamily() == ["cmr10", "DejaVu Sans"]
    assert plain.get_fontfamily() == ["cmr10"]


def test_missing_fonts_are_said_once(monkeypatch, capsys):
    monkeypatch.setattr(figures, "_FONTS", ())
    figure = figures.figure_of((2, 2))
    figure.text(0.1, 0.1, "\ud55c\uad6d\uc5b4")
    for _ in range(2):
        with pytest.warns(UserWarning, match="Glyph"):
            figure._repr_png_()
    assert capsys.readouterr().err.count("Noto Sans CJK (Korean, Japanese, Chinese)") == 1


def test_names_of_classes_in_any_script_are_drawn(tmp_path):
    model = minicnn.Sequential([layers.Input((6, 6, 1)), layers.Flatten(), layers.Dense(2, activation="softmax")])
    x = np.random.default_rng(0).random((4, 6, 6, 1))
    classes = ["\uace0\uc591\uc774", "\u043a\u043e\u0448\u043a\u0430"]
    figure = visualize.predictions(x, model.predict(x, verbose=0), np.array([0, 1, 0, 1]), classes)
    figure.savefig(tmp_path / "predictions.svg")
    assert (tmp_path / "predictions.svg").stat().st_size > 1000
