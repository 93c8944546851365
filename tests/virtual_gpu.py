"""A GPU in NumPy, where there is none: it runs the compiled kernels and reports what compute-sanitizer would.

All threads of a launch take an instruction together (`ptx.py`); where their ways part, those go on first that stand at
the earliest place in the code. A kernel that does one of these ends with a KernelError:

- it reads or writes outside of every array, or four numbers at once at an address that is not a multiple of their size;
- it reads what nobody has written;
- two threads come to the same number, one of them to write it, with no barrier between them (a race);
- it waits at a barrier that some threads of the block never reach.

`install` puts it in the place of the driver. Memory that a pool gives out anew counts as not written. A training step
that is recorded becomes a list of launches, as in numba-cuda's simulator.
"""

from __future__ import annotations

from functools import cache
from types import SimpleNamespace

import compiling
import numpy as np
from numba import cuda
from ptx import Code

from minicnn.kernels import device, gpu_graph, gpu_launch

NEVER, ALLOCATED, WRITTEN = range(3)  # what a byte of memory is
_MEMORY = 1 << 29  # bytes
_BETWEEN = 256  # bytes between arrays that belong to none of them
_MOST_STEPS = 1_000_000  # basic blocks that one launch may run
_MOST_NOTES = 1 << 22  # accesses to memory that are noted before they are summed up


class KernelError(AssertionError):
    """What a kernel did that it must not do."""


class Memory:
    """A space of memory, and who came to what in it during a launch."""

    def __init__(self, size):
        self.bytes, self.state = np.zeros(size, np.uint8), np.zeros(size, np.uint8)

    def begin(self, launch, base=None):
        """From here on threads of this launch come; `base` (threads,): where each one's part of the memory begins."""
        self.launch, self.base = launch, base
        self.notes, self.noted, self.summary = [], 0, np.empty((6, 0), np.int64)

    def load(self, place, kind, count):
        """`count` neighbours of each thread's place, in a list of arrays."""
        return [self.bytes.view(kind)[at // kind.itemsize] for at in self._visited(place, kind, count, WRITTEN)]

    def store(self, place, kind, *values):
        for at, value in zip(self._visited(place, kind, len(values), ALLOCATED), values, strict=True):
            self.bytes.view(kind)[at // kind.itemsize] = value
            self.state[at] = WRITTEN

    def _visited(self, place, kind, count, needed):
        """The places of each of `count` neighbours: checked, and noted."""
        place = np.broadcast_to(place, self.launch.me.shape)
        if self.base is not None:
            place = place + self.base[self.launch.who]
        doing = "reads" if needed == WRITTEN else "writes"
        if (place % (count * kind.itemsize)).any():
            raise KernelError(f"it {doing} at an address that is not a multiple of {count * kind.itemsize}")
        places = [place + i * kind.itemsize for i in range(count)]
        for at in places:
            state = self.state[at % len(self.state)].min()
            if state < needed or ((at < 0) | (at >= len(self.state))).any():
                raise KernelError(
                    f"it {doing} outside of every array" if state == NEVER else "it reads what nobody wrote"
                )
            self.notes.append((at, self.launch.block[self.launch.who], self.launch.barriers[self.launch.who],
                               self.launch.me, needed == ALLOCATED))  # fmt: skip
            self.noted += at.size
        if self.noted > _MOST_NOTES:
            self.sum_up()
        return places

    def sum_up(self):
        """Of each number, block and time between two barriers, keep (place, block, time, first thread, last thread,
        whether it was written). KernelError if these tell of a race."""
        if self.notes:
            columns = [np.concatenate(column) for column in zip(*(note[:4] for note in self.notes), strict=True)]
            wrote = np.concatenate([np.full(note[0].size, note[4]) for note in self.notes])
            notes = np.stack([*columns, columns[3], wrote]).astype(np.int64)
            self.summary = _grouped(np.concatenate([self.summary, notes], axis=1), 3)
            self.notes, self.noted = [], 0
        if not self.summary.size:
            return
        place, block, time, first, last, wrote = self.summary
        _no_race((first != last) & (wrote > 0), "of one block, since its last barrier,")
        by_number = _grouped(np.stack([place, np.zeros_like(block), np.zeros_like(time), block, block, wrote]), 1)
        _no_race((by_number[3] != by_number[4]) & (by_number[5] > 0), "of two blocks")


def _grouped(notes, count):
    """Notes that are equal in the first `count` rows as one: the least of row 3, the largest of rows 4 and 5."""
    notes = notes[:, np.lexsort(notes[count - 1 :: -1])]
    new = np.ones(notes.shape[1], np.bool_)
    new[1:] = (notes[:count, 1:] != notes[:count, :-1]).any(axis=0)
    starts = np.flatnonzero(new)
    ends = [np.minimum.reduceat(notes[3], starts), *np.maximum.reduceat(notes[4:], starts, axis=1)]
    return np.stack([*notes[:3, starts], *ends])


def _no_race(races, threads):
    if races.any():
        raise KernelError(f"threads {threads} come to the same number, and one of them writes it")


class GPU:
    """Memory, given out and never taken back, and the compiled kernels that were launched."""

    def __init__(self):
        self.memory, self.used = Memory(_MEMORY), _BETWEEN

    def allocate(self, size):
        """The address of `size` new bytes."""
        start = self.used
        self.used += -(-size // _BETWEEN) * _BETWEEN + _BETWEEN
        if self.used > len(self.memory.bytes):
            raise MemoryError(f"The virtual GPU has {len(self.memory.bytes)} bytes, and {self.used} are needed.")
        self.memory.state[start : start + size] = ALLOCATED
        return start

    def launch(self, code, blocks, threads, parameters):
        """Run a kernel on a grid: KernelError for what it must not do, with its name."""
        try:
            Launch(self.memory, code, blocks, threads, parameters).run()
        except KernelError as error:
            raise KernelError(f"{code.name}: {error}") from None


class Launch:
    """A kernel on its way: what its instructions ask for (`ptx.py`), and where each thread stands."""

    def __init__(self, memory, code, blocks, threads, parameters):
        blocks, threads = ((*n, 1, 1)[:3] if isinstance(n, tuple) else (n, 1, 1) for n in (blocks, threads))
        self.code, self.block_size, self.total = code, int(np.prod(threads)), int(np.prod(blocks) * np.prod(threads))
        everyone = np.arange(self.total)
        self.block, self.barriers = everyone // self.block_size, np.zeros(self.total, np.int64)
        self.tid, self.ctaid = _axes(everyone % self.block_size, threads), _axes(self.block, blocks)
        self.ntid, self.nctaid = (
            {axis: np.full(self.total, n, np.uint32) for axis, n in zip("xyz", sizes, strict=True)}
            for sizes in (threads, blocks)
        )
        self.everyone, self.parameters = everyone, _checked(parameters, code.parameters)
        shared = Memory(int(np.prod(blocks)) * code.shared_size)
        for start, size in code.shared.values():
            shared.state.reshape(-1, code.shared_size)[:, start : start + size] = ALLOCATED
        shared.begin(self, base=self.block * code.shared_size)
        memory.begin(self)
        self.spaces = {"global": memory, "shared": shared}

    def enter(self, who):
        """These threads are next: slice(None) for all of them, or their numbers."""
        self.who, self.me = who, self.everyone[who]

    def run(self):
        registers = [np.zeros(self.total, kind) for kind in self.code.registers]
        end = len(self.code.blocks)
        at, waiting = np.zeros(self.total, np.int64), np.zeros(self.total, np.bool_)
        with np.errstate(all="ignore"):
            for _ in range(_MOST_STEPS):
                here = int(np.where(waiting, end, at).min())
                if here < end:
                    self._step(registers, at, waiting, here)
                elif waiting.any():
                    self._open_barriers(waiting, at)
                else:
                    break
            else:
                raise KernelError("it does not end")
        for space in self.spaces.values():
            space.sum_up()

    def _step(self, registers, at, waiting, here):
        """Those that stand before basic block `here` run it."""
        chosen = (at == here) & ~waiting
        who = slice(None) if chosen.all() else np.flatnonzero(chosen)
        block, end = self.code.blocks[here]
        block(registers, who, self)
        at[who] = here + 1
        if end is None:
            return
        what, predicate, negated, label = end
        if what == "bar":
            waiting[who] = True
            return
        target = self.code.target(label) if what == "bra" else len(self.code.blocks)
        at[who] = target if predicate is None else np.where(registers[predicate][who] != negated, target, here + 1)

    def _open_barriers(self, waiting, at):
        """Nobody can go on: in each block all must wait, at the same barrier, or have ended."""
        by_block = waiting.reshape(-1, self.block_size)
        if (by_block.any(axis=1) != by_block.all(axis=1)).any() or np.ptp(at.reshape(by_block.shape), axis=1).any():
            raise KernelError("it waits at a barrier that not all threads of a block reach")
        self.barriers = self.barriers + waiting  # a new array: notes hold on to the old one
        waiting[:] = False


def _axes(numbers, sizes):
    """{axis: where along it}: the first axis runs fastest."""
    x, y, _ = sizes
    places = numbers % x, numbers // x % y, numbers // (x * y)
    return {axis: place.astype(np.uint32) for axis, place in zip("xyz", places, strict=True)}


def _checked(values, kinds):
    """Parameters as a kernel takes them: so many, and scalars of NumPy as wide as it reads them."""
    if len(values) != len(kinds):
        raise KernelError(f"it takes {len(kinds)} parameters, and was passed {len(values)}")
    taken = [value if isinstance(value, np.generic) else np.uint64(value) for value in values]
    for value, kind in zip(taken, kinds, strict=True):
        if value.dtype.itemsize != kind.itemsize:
            raise KernelError(f"it takes a parameter as {kind}, and was passed {value.dtype}")
    return [value.view(kind) for value, kind in zip(taken, kinds, strict=True)]


# In the place of the driver


class VirtualArray:
    """A flat array in the virtual GPU's memory, with what `kernels/device.py` asks of numba.cuda's."""

    def __init__(self, size, dtype, address=None):
        self.size, self.dtype = int(size), np.dtype(dtype)
        self.address = gpu.allocate(self.size * self.dtype.itemsize) if address is None else address
        self.__cuda_array_interface__ = {"data": (self.address, False)}

    def __getitem__(self, part):
        start, stop, _ = part.indices(self.size)
        return VirtualArray(stop - start, self.dtype, self.address + start * self.dtype.itemsize)

    @property
    def _here(self):
        return slice(self.address, self.address + self.size * self.dtype.itemsize)

    def forget(self):
        """From here on it counts as not written."""
        gpu.memory.state[self._here] = ALLOCATED

    def copy_to_device(self, array, stream=None):
        assert (array.size, array.dtype) == (self.size, self.dtype)
        if isinstance(array, VirtualArray):
            array = array.copy_to_host()
        gpu.memory.bytes[self._here] = np.ascontiguousarray(array).view(np.uint8)
        gpu.memory.state[self._here] = WRITTEN

    def copy_to_host(self, stream=None):
        return gpu.memory.bytes[self._here].view(self.dtype).copy()


gpu = GPU()
code_of = cache(Code)
_nothing = SimpleNamespace(synchronize=lambda: None, record=lambda stream: None, wait=lambda stream: None)


def _launch(kernel, blocks, threads, *arguments):
    """In the place of GPUKernel.launch."""
    recording = device.recording()
    if recording:
        recording.keep(arguments)
    arguments = [gpu_launch._argument(argument) for argument in arguments]
    if recording:
        recording.launches.append((kernel, blocks, threads, arguments))
        return
    ptx = compiling.compiled_to_ptx(kernel, compiling.signature_of(arguments))[9, 0]
    numbers = [number for argument in arguments for number in gpu_launch.as_numbers(argument)]
    gpu.launch(code_of(ptx), blocks, threads, numbers)


def install() -> None:
    """From here on the backend "cuda" runs on the virtual GPU."""
    take = device.Pool.take

    def take_unwritten(pool, size, dtype):
        data = take(pool, size, dtype)
        data.forget()
        return data

    device.Pool.take = take_unwritten
    device.what_is_missing = cache(lambda: None)
    device.name = lambda: "virtual GPU"
    gpu_launch.GPUKernel.launch = _launch
    gpu_graph.SIMULATED = True  # a recording is a list of launches
    cuda.device_array, cuda.pinned_array = VirtualArray, np.empty
    cuda.stream = cuda.event = lambda: _nothing
