"""Find damaged heaps of HDF5 files before the HDF5 library reads them.

Text of variable length, such as the names that Keras writes, is stored in "global heap collections". The library walks
through a collection from object to object by their stored sizes, and at a size of zero it never stops. Format:
"HDF5 File Format Specification Version 3.0", III.E.
"""

from __future__ import annotations

import mmap
import struct

_BEGINNING = b"GCOL\x01\0\0\0"  # signature, version 1, reserved; then the collection's size in 8 bytes
_HEADER = 16  # bytes of a collection's header, and of an object's header in it


def check_heaps(content, file) -> None:
    """Raise ValueError if the bytes of an HDF5 file hold a collection whose objects' sizes do not lead to its end."""
    start = content.find(_BEGINNING)
    while start >= 0:
        (size,) = struct.unpack_from("<Q", content, start + 8) if start + _HEADER <= len(content) else (0,)
        place, end = start + _HEADER, start + size
        while end <= len(content) and place + _HEADER <= end:
            number, _, length = struct.unpack_from("<HHxxxxQ", content, place)
            taken = length if number == 0 else _HEADER + -(-length // 8) * 8  # free space counts its header
            if taken < _HEADER:
                break
            place += taken
        if place > end or place + _HEADER <= end or end > len(content):
            raise ValueError(f"{file!r} does not hold a whole HDF5 file: the part that stores its texts is damaged.")
        start = content.find(_BEGINNING, start + 1)


def check_heaps_of_file(path) -> None:
    """Do the same for a file on disk."""
    with open(path, "rb") as stream:
        try:
            content = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
        except ValueError:  # an empty file has nothing to map
            return
        with content:
            check_heaps(content, path)
