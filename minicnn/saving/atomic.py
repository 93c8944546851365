"""Replace a file as a whole or not at all."""

from __future__ import annotations

import os
import re
import socket
import tempfile
from contextlib import contextmanager, suppress


@contextmanager
def replacing(file):
    """`with replacing(file) as new:` lets the block write to the path `new`, and then moves `new` to `file`.

    After an error or an interruption the old file is still complete. A killed process leaves behind a file whose name
    begins with the same name and ends in .partial. The next `replacing` of this file removes it.
    """
    file = os.path.realpath(file)
    begin, writer = os.path.basename(file)[:100], f"{_host()}-{os.getpid()}"
    _remove_those_of_ended_processes(os.path.dirname(file), begin)
    handle, new = tempfile.mkstemp(".partial", f"{begin}.{writer}-", os.path.dirname(file))
    os.close(handle)
    try:
        os.chmod(new, _usual_mode(file))
        _give_to_owner_of(file, new)
        yield new
        with open(new, "rb") as written:
            os.fsync(written.fileno())
        os.replace(new, file)
    finally:
        if os.path.exists(new):
            os.unlink(new)


def _host():
    """This computer and, in a container, its own numbers of processes."""
    try:
        processes = os.readlink("/proc/self/ns/pid")
    except OSError:
        processes = ""
    return re.sub(r"\W", "", socket.gethostname()[:40] + processes)


def _remove_those_of_ended_processes(folder, begin):
    """Remove what processes of this computer that have ended began to write in place of this file."""
    pattern = re.compile(re.escape(f"{begin}.{_host()}-") + r"(\d+)-\w+\.partial")
    try:
        names = os.listdir(folder)
    except OSError:  # a folder that may be written to, but not read
        return
    for name in names:
        found = pattern.fullmatch(name)
        if found and not _runs(int(found[1])):
            with suppress(OSError):
                os.unlink(os.path.join(folder, name))


def _runs(process):
    if os.name == "nt":  # there this question would end the process
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # it runs, and belongs to somebody else; or this system cannot tell
        return True
    return True


def _give_to_owner_of(file, new):
    """Let the new file belong to whom the file belongs that it replaces, where this process may do so."""
    if os.path.exists(file) and hasattr(os, "chown"):
        old = os.stat(file)
        with suppress(OSError):
            os.chown(new, old.st_uid, old.st_gid)


def _usual_mode(file):
    """The permissions of the file that is replaced, or those that a new file would get."""
    if os.path.exists(file):
        return os.stat(file).st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
