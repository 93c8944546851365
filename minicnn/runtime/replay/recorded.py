"""A function that is called a few times, then recorded, then replayed."""

from __future__ import annotations

from ...dispatch import backend
from ...kernels.cpu import pace, workspace
from .settings import Settings

_CALLS_BEFORE = 2  # calls before the recording: they compile kernels, send tables and allocate memory
_OWN = ("minicnn", "numpy", "builtins")


def is_own(part) -> bool:
    """Whether the class of a part and its attributes come from minicnn, NumPy or Python, and none of its methods is
    replaced."""
    if getattr(part, "_draws", False):  # its `call` has been run on symbols, and is not run again
        return not any(name in vars(part) for name in ("forward", "backward"))
    return runs_own_code(part)


def runs_own_code(part) -> bool:
    """The same, also for a `call` that has been run on symbols already."""
    methods = [getattr(type(part), name, None) for name in ("forward", "backward", "update", "hold")]
    code = [type(part), *(method for method in methods if callable(method))]
    attributes = getattr(part, "__dict__", {})  # a user's class may have __slots__
    held = [value if callable(value) and hasattr(value, "__module__") else type(value) for value in attributes.values()]
    replaced = any(name in attributes for name in ("forward", "backward", "update", "hold"))
    return not replaced and all((one.__module__ or "builtins").split(".")[0] in _OWN for one in [*code, *held])


class Recorded:
    """Calls the function a few times, then records it and replays it, for arrays of the first call's shapes.

    record(function, arrays) returns two things: a function that replays the work with other arrays (None if it cannot
    be recorded), and the outputs. allows(part) tells whether a part's code may be recorded. Arrays of other shapes,
    such as an epoch's last batch, are computed without a recording. A recording uses the scratch memory of the thread
    that made it, so it is replayed in this thread only; and `record` fits one backend. run(work, arrays) calls
    work(arrays); on a CPU it is a `Pace`.
    """

    def __init__(self, function, parts, record, allows, run):
        self.function, self.parts, self.record, self.allows, self.run = function, parts, record, allows, run
        self.settings, self.shapes, self.calls, self.replay, self.allowed = None, None, 0, None, False
        self.backend, self.thread = backend(), None

    def __call__(self, *arrays):
        shapes = [(x.shape, x.dtype) for x in arrays]
        if self.thread is not workspace.this_thread() or not self.settings.still_so():
            self._begin_anew(shapes)
        if shapes == self.shapes:
            if self.replay is not None:
                return self.run(self.replay, arrays)
            self.calls += 1
            if self.calls == _CALLS_BEFORE + 1 and self.allowed:
                self.replay, outputs = self.record(self.function, arrays)
                return outputs
            if self.calls > _CALLS_BEFORE:
                return self.run(self._call, arrays)
        with pace.for_other_work():
            return self.function(*arrays)

    def _call(self, arrays):
        return self.function(*arrays)

    def _begin_anew(self, shapes):
        objects, attributes = self.parts()
        self.settings, self.shapes, self.calls, self.replay = Settings(objects, attributes), shapes, 0, None
        self.thread = workspace.this_thread()
        self.allowed = self.backend == backend() and all(self.allows(part) for part in objects)
