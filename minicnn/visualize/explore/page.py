"""Puts the page together: the template, the style, every JavaScript module, the description and the numbers."""

from __future__ import annotations

import base64
import html
import json
import math
import webbrowser
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).parent


class Numbers:
    """The arrays of a page, one after the other. In the description each is {"at": its first byte, "type", "shape"}."""

    def __init__(self):
        self.parts, self.size = [], 0

    def add(self, array, kind=np.float32) -> dict:
        """Append an array as `kind`, and return its description."""
        array = np.ascontiguousarray(array, np.dtype(kind).newbyteorder("<"))
        described = {"at": self.size, "type": np.dtype(kind).name, "shape": list(array.shape)}
        part = array.tobytes() + bytes(-array.nbytes % 4)  # each array begins at a multiple of four bytes
        self.parts.append(part)
        self.size += len(part)
        return described

    def text(self) -> str:
        return base64.b64encode(b"".join(self.parts)).decode("ascii")


class Page:
    """The page as text in `html`. `save` writes it; a notebook shows it; `open` shows it in the browser.

    data, numbers: the description, and all arrays in base64, as they are in the page.
    """

    def __init__(self, data: dict, numbers: Numbers):
        self.name, self.data, self.numbers, self.path = data["name"], _finite(data), numbers.text(), None
        self.html = _put_together(self.name, _json(self.data), self.numbers)

    def save(self, file) -> None:
        """Write the page to a file."""
        from ...saving.atomic import replacing  # imported only here: minicnn starts without h5py

        self.path = Path(file)
        with replacing(self.path) as new:
            Path(new).write_bytes(self.html.encode("utf-8", "replace"))  # a half surrogate becomes a question mark

    def open(self) -> None:
        """Show the page in the browser. ValueError if it has not been saved."""
        if self.path is None:
            raise ValueError("Save the page before opening it: page.save('explore.html').")
        webbrowser.open(self.path.resolve().as_uri())

    def _repr_html_(self):
        return (
            f'<iframe srcdoc="{html.escape(self.html)}" title="{html.escape(self.name)}" width="100%" height="800" '
            'style="border: 1px solid #888"></iframe>'
        )

    def __repr__(self):
        where = "not saved" if self.path is None else str(self.path)
        return f"<page {self.name!r}, {len(self.html) / 1e6:.1f} MB, {where}>"


def _put_together(name, data, numbers) -> str:
    parts = {
        "TITLE": html.escape(name),
        "STYLE": (FOLDER / "style.css").read_text(encoding="utf-8"),
        "MODULES": "\n".join(_module(path) for path in sorted(FOLDER.rglob("*.js"))),
        "DATA": data,
        "NUMBERS": numbers,
    }
    template = (FOLDER / "page.html").read_text(encoding="utf-8")
    pieces = template.split("@@")  # text, a name, text, a name, ..., text
    return "".join(parts[piece] if i % 2 else piece for i, piece in enumerate(pieces))


def _module(path) -> str:
    """A script that the page's loader turns into a module. Its name is its path, as `import` writes it.

    Lines of comment and the spaces before code stay in the repository, so that an empty page has less than 150 kB.
    """
    name = path.relative_to(FOLDER).with_suffix("").as_posix()
    lines = path.read_text(encoding="utf-8").splitlines()
    code = "\n".join(line.lstrip() for line in lines if not line.lstrip().startswith("//"))
    return f'<script type="text/plain" data-module="{name}">\n{code}\n</script>'


def _json(data) -> str:
    """JSON that may stand in a script: no text in it can end the script."""
    return json.dumps(data, ensure_ascii=False, allow_nan=False).replace("<", "\\u003c")


def _finite(value):
    """The same, with NaN and infinities as their names: JSON has no such numbers."""
    if isinstance(value, dict):
        return {key: _finite(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(part) for part in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"  # as JavaScript's Number reads
    return value
