"""How kernels are compiled: one decorator, one cache folder, one clock for the time that compiling takes.

`@kernel` turns a function into machine code at its first call and keeps the code on disk. The folder's name contains
a hash of the sources that the kernel is made of, because Numba does not notice when a helper in another file changes.
These are the files beside the kernel's own file, and what all kernels share. So a kernel takes its helpers from there.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import sys
import threading
import time
from contextlib import contextmanager, suppress
from functools import cached_property, lru_cache
from pathlib import Path

import numba
from numba.core import event
from numba.core.caching import CompileResultCacheImpl, FunctionCache, IndexDataCacheFile, _CacheLocator

from ...config import cache_home
from ...printing import say
from .linking import link_before_compiling, only_link
from .recording import recording

if numba.config.DISABLE_JIT:
    raise ImportError(
        "minicnn's kernels are machine code, so it does not run with NUMBA_DISABLE_JIT: unset it. To step through a "
        "computation in Python, set MINICNN_BACKEND=numpy or MINICNN_BACKEND=loops."
    )

# Reordering may change the last bits. "nnan" and "ninf" are left out, because NaN must stay NaN. "contract" is left out
# too. With it LLVM may make one instruction of a product and a sum when it compiles a loop once, and not when it
# compiles the loop again. Then a seed's first run, which compiles, differs from its second, which loads. This happens
# where Numba compiles a loop four times, as it does without `linking.py`.
FASTMATH = {"reassoc", "nsz"}
OPTIONS = {"fastmath": FASTMATH, "nogil": True, "error_model": "numpy"}

AS_WRITTEN = {**OPTIONS, "fastmath": {"nsz"}}

THREADS = numba.config.NUMBA_NUM_THREADS
"""The most threads that a kernel may run on. Work is always cut for this number of threads. So the same sums are added
up in the same order for any `numba.set_num_threads`."""

_ALONE = 1 << 14  # numbers
_SPINS = "10000"  # of a thread that waits: 0.2 ms here

_INNER = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}  # Python never calls helpers: less to compile


def helper(function):
    """Decorator for a function that only kernels call. It is compiled into its callers."""
    return only_link(numba.njit(**OPTIONS, **_INNER)(function))


def helper_as_written(function):
    """The same, for formulas whose digits depend on the order of operations: `(z - largest) - log(sum)` must not become
    `z - (largest + log(sum))`."""
    return only_link(numba.njit(**AS_WRITTEN, **_INNER)(function))


def kernel(parallel: bool = False, as_written: bool = False):
    """Decorator: compile for the argument types at the first call, keep the result on disk.

    A lock makes parallel kernels run one after the other, unless Numba's threading layer allows several. LLVM may
    reorder sums, so that it can vectorise them, unless as_written is set. Set as_written where reordering gains
    nothing, or where the process that compiles gets other bits than those that load (`FASTMATH`).
    """

    def decorate(function):
        options = AS_WRITTEN if as_written else OPTIONS
        # no wrapper for callers in C: there are none
        dispatcher = numba.njit(parallel=parallel, no_cfunc_wrapper=True, **options)(function)
        if cache_folder() is not None:
            dispatcher._cache = _KernelCache(function, parallel)
        link_before_compiling(dispatcher)
        return ParallelKernel(dispatcher, as_written) if parallel else dispatcher

    return decorate


class ParallelKernel:
    """A parallel kernel, launched one at a time unless the threading layer is known to allow more.

    After `os.fork` the new process has one thread, and GNU OpenMP ends it if it starts a parallel kernel. There the
    kernel runs on this thread.
    """

    _lock = threading.Lock()
    _layer_allows_several = False
    threads_are_lost = False

    def __init__(self, dispatcher, as_written):
        self.dispatcher, self.as_written = dispatcher, as_written
        self.__doc__ = dispatcher.py_func.__doc__

    def __call__(self, *args):
        if ParallelKernel._layer_allows_several:
            return _run(self.dispatcher, args)
        if ParallelKernel.threads_are_lost:
            _tell_of_lost_threads()
            return self.alone(*args)
        with self._lock:
            _start_threads()
            result = self.dispatcher(*args)
            ParallelKernel._layer_allows_several = numba.threading_layer() in ("omp", "tbb")
        if (running := recording()) is not None:
            running.add(self, args)
        return result

    def for_work(self, numbers: int):
        """The call for work on so many numbers: on all threads, or on this thread only if the work is done before the
        other threads are awake. That takes about 3 us, and much longer on a busy machine."""
        return self if numbers > _ALONE else self.alone

    def alone(self, *args):
        """Run on this thread only."""
        return _run(self.serial, args)

    @cached_property
    def serial(self):
        _start_threads()  # stored machine code calls functions of the threads without a check
        return kernel(parallel=False, as_written=self.as_written)(self.dispatcher.py_func)


@lru_cache(maxsize=1)
def _start_threads() -> None:
    """Start Numba's threads.

    A thread of GNU OpenMP that waits for another spins for up to 5 ms before it sleeps. If the other one waits for a
    core, which the spinning thread may hold, every kernel takes that long. So threads spin for a 30th of that: longer
    than the pauses between kernels, and short beside the time for which a program holds a core. The library reads this
    from its environment when it is loaded, which is now. Values that are set already win.
    """
    if {"GOMP_SPINCOUNT", "OMP_WAIT_POLICY"} & os.environ.keys():
        numba.get_num_threads()
        return
    os.environ["GOMP_SPINCOUNT"] = _SPINS
    try:
        numba.get_num_threads()
    finally:
        del os.environ["GOMP_SPINCOUNT"]


def _after_fork() -> None:
    """In a process that `os.fork` has made: compute on one thread, if the other threads had started before."""
    ParallelKernel._lock = threading.Lock()  # a thread that this process does not have may hold the old one
    try:
        numba.threading_layer()
    except ValueError:  # no threads yet: this process may start its own
        return
    ParallelKernel.threads_are_lost, ParallelKernel._layer_allows_several = True, False
    _tell_of_lost_threads.cache_clear()


@lru_cache(maxsize=1)
def _tell_of_lost_threads() -> None:
    say(
        "minicnn: this process was forked from one that had computed before, so it computes on one thread. "
        'multiprocessing.get_context("spawn") starts processes that use all threads.',
        stream=sys.stderr,
    )


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def _run(dispatcher, args):
    """Call a kernel. A recording stores the machine code itself, so a replay need not search for the code that fits the
    arguments."""
    result = dispatcher(*args)
    if (running := recording()) is not None:
        compiled = dispatcher.overloads.get(tuple(numba.typeof(arg) for arg in args))
        running.add(dispatcher if compiled is None else compiled.entry_point, args)
    return result


@lru_cache(maxsize=1)
def cache_folder() -> Path | None:
    """The folder of compiled kernels, in `config.cache_home()`. None, with a printed line, if it cannot be written."""
    folder = cache_home() / "kernels"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f"probe-{os.getpid()}-{threading.get_ident()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        say(
            f"minicnn: compiled kernels are not kept, because minicnn cannot write to {folder} ({error.strerror}); "
            f"set MINICNN_CACHE_DIR to a folder that it can write to.",
            stream=sys.stderr,
        )
        return None
    return folder


@lru_cache
def _folder_of(sources: Path) -> Path:
    """The folder for the kernels in the files of `sources`, for their present content and this version of Numba."""
    digest = _digest_of_shared_sources().copy()
    _add_to(digest, sources.glob("*.py"))
    return cache_folder() / f"{sources.name}-{digest.hexdigest()[:16]}"


@lru_cache(maxsize=1)
def _digest_of_shared_sources():
    package, digest = Path(__file__).resolve().parents[2], hashlib.sha256(numba.__version__.encode())
    kernels = package / "kernels"
    _add_to(digest, [package / "shapes.py", *kernels.glob("*.py"), *(kernels / "cpu").glob("*.py")])
    return digest


def _add_to(digest, files):
    for file in sorted(files):
        digest.update(file.name.encode() + file.read_bytes())


class _KernelLocator(_CacheLocator):
    """Tells Numba where a kernel's machine code is stored: in `_folder_of` its sources."""

    def __init__(self, function, file):
        self._py_file, self._folder = file, _folder_of(Path(file).resolve().parent)
        self._name = f"{function.__module__}-{function.__code__.co_firstlineno}"

    def get_cache_path(self):
        return str(self._folder)

    def get_source_stamp(self):
        return "the folder's name holds the hash of the sources"

    def get_disambiguator(self):
        return self._name

    @classmethod
    def from_function(cls, function, file):
        return cls(function, file)


class _KernelCacheImpl(CompileResultCacheImpl):
    _locator_classes = (_KernelLocator,)


class _CheckedFiles(IndexDataCacheFile):
    """Numba's two kinds of files, an index and machine code, each with its SHA-256 in front.

    Numba loads machine code as it is: with one wrong bit it may end the process. So a file with another hash counts as
    missing, and so does code that another process stored under the same name for other types. Then the kernel is
    compiled again, and the file replaced.
    """

    def save(self, key, data):
        super().save(key, (key, data))

    def load(self, key):
        stored_key, data = super().load(key) or (None, None)
        return data if stored_key == key else None

    def _load_index(self):
        return self._read(self._index_path, default={})

    def _save_index(self, overloads):
        self._write(self._index_path, overloads)

    def _load_data(self, name):
        return self._read(self._data_path(name), default=None)

    def _save_data(self, name, data):
        self._write(self._data_path(name), data)

    def _write(self, path, content):
        content = self._dump(content)
        with self._open_for_write(path) as file:
            file.write(hashlib.sha256(content).digest() + content)

    def _read(self, path, default):
        try:
            stored = Path(path).read_bytes()
        except FileNotFoundError:
            return default
        size = hashlib.sha256().digest_size
        if hashlib.sha256(stored[size:]).digest() == stored[:size]:
            with suppress(Exception):  # another version of a library wrote it
                return pickle.loads(stored[size:])
        say(f"minicnn: {path} is damaged, so this kernel is compiled again.", stream=sys.stderr)
        with suppress(OSError):
            os.unlink(path)
        return default


class _KernelCache(FunctionCache):
    """Numba's cache, in `cache_folder()`. A damaged or unwritable file costs a compilation, but stops no program."""

    _impl_class = _KernelCacheImpl

    def __init__(self, function, parallel):
        super().__init__(function)
        self._parallel = parallel
        self._cache_file = _CheckedFiles(self._cache_path, self._impl.filename_base, source_stamp=None)

    def _index_key(self, sig, codegen):
        """Argument types, processor, the values that a kernel made by a factory closes over (functions by name), and
        whether it is for several threads."""
        cells = self._py_func.__closure__ or ()
        closed_over = tuple(getattr(cell.cell_contents, "__qualname__", cell.cell_contents) for cell in cells)
        return sig, codegen.magic_tuple(), closed_over, self._parallel

    def load_overload(self, sig, target_context):
        try:
            return super().load_overload(sig, target_context)
        except Exception:  # a file that may not be read, or that another version of a library wrote: compile again
            return None

    def save_overload(self, sig, data):
        try:
            super().save_overload(sig, data)
        except OSError as error:
            say(f"minicnn: a compiled kernel was not kept ({error}).", stream=sys.stderr)


class _CompileClock(event.Listener):
    """Adds up the seconds spent compiling minicnn's kernels, counts the kernels, and may announce the first one."""

    def __init__(self):
        self.seconds, self.count, self._started = 0.0, 0, 0.0
        self._depth = 0  # 1 in a kernel, more in the helpers that are compiled within it
        self.announce = False
        self.at_first = None  # a function that is called once, when a kernel is compiled

    def _is_ours(self, happening):
        return (happening.data["dispatcher"].py_func.__module__ or "").startswith("minicnn.")

    @contextmanager
    def around(self, gpu_dispatcher):
        """Watch a launch of a GPU kernel. numba.cuda sends no event when it compiles, but then `overloads` grows."""
        before, started = len(gpu_dispatcher.overloads), time.perf_counter()
        yield
        if len(gpu_dispatcher.overloads) > before:
            if self.announce:
                self.announce = False
                say("Compiling kernels for this GPU ...")
            self.seconds += time.perf_counter() - started
            self.count += 1

    def on_start(self, happening):
        if not self._is_ours(happening):
            return
        self._depth += 1
        if self._depth == 1:
            self._started = time.perf_counter()
            if self.announce:
                self.announce = False
                kept = "" if cache_folder() is None else "; they are kept for the next run"
                say(f"Compiling kernels for this processor{kept} ...")
            at_first, self.at_first = self.at_first, None
            if at_first is not None:
                at_first()

    def on_end(self, happening):
        if not self._is_ours(happening):
            return
        self._depth -= 1
        if self._depth == 0:
            self.seconds += time.perf_counter() - self._started
            self.count += 1


compile_clock = _CompileClock()
event.register("numba:compile", compile_clock)
