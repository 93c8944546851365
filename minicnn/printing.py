"""Text for the person who watches a program: printing it never ends the program's work."""

from __future__ import annotations

import io
import os
import shutil
import sys
from contextlib import suppress

_PLAIN = str.maketrans({"━": "="})


def say(text: str = "", end: str = "\n", stream=None) -> None:
    """Write a text to a stream, by default `sys.stdout`, at once.

    Characters that the stream's encoding lacks are replaced. A stream that is missing, closed or full is passed over.
    """
    stream = sys.stdout if stream is None else stream
    text, encoding = f"{text}{end}", getattr(stream, "encoding", None) or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        text = text.translate(_PLAIN).encode(encoding, "replace").decode(encoding)
    with suppress(OSError, ValueError, AttributeError):
        stream.write(text)
        stream.flush()


class Page(io.StringIO):
    """Text that is printed as a whole, for a library that writes to a stream: it has the encoding of `sys.stdout`."""

    @property
    def encoding(self):
        return getattr(sys.stdout, "encoding", None) or "utf-8"


def can_redraw() -> bool:
    """Whether a line on `sys.stdout` can be drawn again: on a terminal that is not dumb, and in a notebook."""
    if type(sys.stdout).__module__.startswith("ipykernel"):
        return True
    try:
        return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
    except (AttributeError, ValueError):  # no such method; a closed stream
        return False


def has_colors() -> bool:
    """Whether colours are wanted: `NO_COLOR` says that they are not (https://no-color.org)."""
    return not os.environ.get("NO_COLOR")


def columns() -> int:
    """The number of characters in a line of the terminal."""
    return shutil.get_terminal_size().columns
