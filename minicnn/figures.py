"""matplotlib figures that open no window, show themselves in notebooks, and write in any script."""

from __future__ import annotations

import io
import sys
from functools import lru_cache

from .printing import say

_FONTS = (  # by what they are for: Korean, Japanese, Chinese, Arabic, and everything
    "Noto Sans CJK KR", "Noto Sans KR", "NanumGothic", "Malgun Gothic", "Apple SD Gothic Neo", "AppleGothic",
    "Noto Sans CJK JP", "Noto Sans JP", "Yu Gothic", "Meiryo", "Hiragino Sans", "MS Gothic", "IPAexGothic",
    "Noto Sans CJK SC", "Noto Sans SC", "Microsoft YaHei", "PingFang SC", "SimHei", "WenQuanYi Zen Hei",
    "Noto Sans Arabic", "Noto Naskh Arabic", "Geeza Pro", "Segoe UI", "Arial Unicode MS", "Unifont",
)  # fmt: skip
"""Fonts that have the characters which matplotlib's own lacks. The first that is installed is taken."""


def figure_of(size):
    """A figure of (width, height) inches."""
    return figure_class()(size, layout="constrained")


@lru_cache(maxsize=1)
def figure_class():
    """matplotlib's Figure, with two things more. It is made late, because matplotlib takes long to import."""
    from matplotlib.figure import Figure

    class ShownFigure(Figure):
        """A Figure that a notebook shows as a picture, also without `%matplotlib inline`."""

        def _repr_png_(self):
            picture = io.BytesIO()
            self.savefig(picture, format="png")
            return picture.getvalue()

        def draw(self, renderer):
            _choose_fonts(self)
            super().draw(renderer)

    return ShownFigure


def _choose_fonts(figure) -> None:
    """Give every text whose characters its font lacks the fonts that have them."""
    from matplotlib.text import Text

    for text in figure.findobj(Text):
        lacking = _lacking(text.get_text(), text.get_fontname())
        if lacking:
            found = _fonts_with(lacking)
            if found:
                text.set_fontfamily([text.get_fontname(), *found])
            else:
                _tell_once()


@lru_cache(maxsize=4096)
def _lacking(characters: str, font: str) -> str:
    """The characters that a font does not have. ASCII is in every font."""
    return "" if characters.isascii() else "".join(c for c in characters if not c.isspace() and not _has(font, c))


@lru_cache(maxsize=4096)
def _fonts_with(characters: str) -> list[str]:
    """Installed fonts that together have all these characters; an empty list if they do not."""
    chosen, missing = [], set(characters)
    for font in _installed():
        has = {c for c in missing if _has(font, c)}
        if has:
            chosen.append(font)
            missing -= has
    return [] if missing else chosen


@lru_cache(maxsize=1)
def _installed() -> list[str]:
    from matplotlib.font_manager import fontManager

    names = {font.name for font in fontManager.ttflist}
    return [font for font in _FONTS if font in names]


@lru_cache(maxsize=4096)
def _has(font: str, character: str) -> bool:
    return bool(_face(font).get_char_index(ord(character)))


@lru_cache(maxsize=32)
def _face(font: str):
    from matplotlib.font_manager import findfont, get_font

    return get_font(findfont(font))


@lru_cache(maxsize=1)
def _tell_once() -> None:
    say(
        "minicnn: no installed font has some characters of this figure, so they are drawn as boxes. Install one, such "
        "as Noto Sans CJK (Korean, Japanese, Chinese) or Noto Sans Arabic, and start Python again.",
        stream=sys.stderr,
    )
