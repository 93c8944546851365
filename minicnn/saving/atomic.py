"""Replace a file as a whole or not at all."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager


@contextmanager
def replacing(file):
    """`with replacing(file) as new:` lets the block write to the path `new`, and then moves `new` to `file`.

    After an error or an interruption the old file is still complete. An interrupted process may leave behind a file
    whose name begins with the same name and ends in .partial.
    """
    file = os.path.realpath(file)
    handle, new = tempfile.mkstemp(".partial", os.path.basename(file)[:100] + ".", os.path.dirname(file))
    os.close(handle)
    try:
        os.chmod(new, _usual_mode(file))
        yield new
        with open(new, "rb") as written:
            os.fsync(written.fileno())
        os.replace(new, file)
    finally:
        if os.path.exists(new):
            os.unlink(new)


def _usual_mode(file):
    """The permissions of the file that is replaced, or those that a new file would get."""
    if os.path.exists(file):
        return os.stat(file).st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
