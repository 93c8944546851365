"""A GPU in NumPy: it runs compiled kernels, and reports the mistakes that compute-sanitizer would report.

All threads of a launch execute an instruction together (`ptx.py`). When threads take different branches, the threads
at the earliest place in the code run first. A kernel ends with a KernelError if it does one of these:

- it reads or writes outside of every array, or accesses four numbers together at an address that is not a multiple of
  their size;
- it reads memory that was not written;
- two threads access the same number, one of them writes it, and no barrier is between them (a race);
- it waits at a barrier that some threads of the block never reach;
- it does not end.

`driver_kernels.py` makes the launches.
"""

from __future__ import annotations

import numpy as np

from .ptx import BARRIER

NEVER, ALLOCATED, WRITTEN = range(3)  # the state of a byte of memory; NEVER: in no array
_MEMORY = 1 << 30  # bytes that may be allocated, one after the other; no byte is allocated twice
_BETWEEN = 256  # bytes between arrays that belong to none of them
_MOST_STEPS = 1_000_000  # basic blocks that one launch may run
_MOST_NOTES = 1 << 22  # accesses to memory that are noted before they are summed up


class KernelError(AssertionError):
    """A mistake of a kernel."""


class Memory:
    """A memory space, and which threads accessed which places of it during a launch."""

    def __init__(self, size):
        self.bytes, self.state, self.used = np.zeros(size, np.uint8), np.zeros(size, np.uint8), _BETWEEN

    def allocate(self, size):
        """The address of `size` new bytes."""
        start, end = self.used, self.used + -(-size // _BETWEEN) * _BETWEEN + _BETWEEN
        if end > len(self.bytes):
            raise MemoryError(f"The virtual GPU has {len(self.bytes)} bytes, and {end} are needed.")
        self.used = end
        self.forget(start, size)
        return start

    def forget(self, start, size):
        """Count these bytes as not written from now on."""
        self.state[start : start + size] = ALLOCATED

    def free(self, start, size):
        """Count these bytes as in no array from now on."""
        self.state[start : start + size] = NEVER

    def content(self, start, size):
        """These bytes, which must have been written."""
        self._somebodys(start, size)
        self.check_written(start, size)
        return self.bytes[start : start + size]

    def check_written(self, start, size):
        """Raise a KernelError if one of these bytes was not written."""
        if (self.state[start : start + size] != WRITTEN).any():
            raise KernelError("a copy reads what nobody wrote")

    def fill(self, start, content):
        """Replace bytes from `start` on."""
        self._somebodys(start, content.size)
        self.bytes[start : start + content.size] = content
        self.state[start : start + content.size] = WRITTEN

    def copy(self, to, start, size):
        """Copy bytes, written or not, with their state."""
        self._somebodys(to, size)
        self._somebodys(start, size)
        self.bytes[to : to + size] = self.bytes[start : start + size]
        self.state[to : to + size] = self.state[start : start + size]

    def _somebodys(self, start, size):
        if not self.state[start : start + size].all():
            raise KernelError("a copy reaches outside of every array")

    def begin(self, launch, base=None):
        """Start to note the accesses of a launch. `base` (threads,): where each thread's part of the memory begins."""
        self.launch, self.base = launch, base
        self.notes, self.noted = [], 0  # (places, barriers passed, threads, whether they write) of each access
        self.summary = np.empty((3, 0), np.int64), *(np.empty(0, np.int64),) * 2, np.empty(0, np.bool_)

    def load(self, place, kind, count):
        """A list of `count` arrays: neighbouring numbers, from each thread's place on."""
        return [self.bytes.view(kind)[at // kind.itemsize] for at in self._visited(place, kind, count, writes=False)]

    def store(self, place, kind, *values):
        """Write neighbouring numbers, from each thread's place on."""
        for at, value in zip(self._visited(place, kind, len(values), writes=True), values, strict=True):
            self.bytes.view(kind)[at // kind.itemsize] = value
            self.state.view(f"u{kind.itemsize}")[at // kind.itemsize] = int.from_bytes([WRITTEN] * kind.itemsize)

    def _visited(self, place, kind, count, writes):
        """Check and note an access; return a list with the places of each of the `count` neighbours."""
        place = np.broadcast_to(place, self.launch.me.shape)
        if self.base is not None:
            place = place + self.base[self.launch.who]
        doing = "writes" if writes else "reads"
        if (place % (count * kind.itemsize)).any():
            raise KernelError(f"it {doing} at an address that is not a multiple of {count * kind.itemsize}")
        places = [place + i * kind.itemsize for i in range(count)]
        for at in places:
            state = self.state[at % len(self.state)].min()
            if state == NEVER or ((at < 0) | (at >= len(self.state))).any():
                raise KernelError(f"it {doing} outside of every array")
            if state == ALLOCATED and not writes:
                raise KernelError("it reads what nobody wrote")
            self.notes.append((at, self.launch.barriers[self.launch.who], self.launch.me, writes))
            self.noted += at.size
        if self.noted > _MOST_NOTES:
            self.sum_up()
        return places

    def sum_up(self):
        """Replace the notes by a summary, and raise a KernelError if it shows a race.

        For each number, block, and time between two barriers, the summary has the first and the last thread (by their
        numbers) that accessed the number, and whether a thread wrote it.
        """
        if not self.notes:
            return
        places, times, threads, writes = zip(*self.notes, strict=True)
        wrote = np.repeat(writes, [len(at) for at in places])
        place, time, thread = (np.concatenate(parts) for parts in (places, times, threads))
        notes = np.stack([place, thread // self.launch.block_size, time]), thread, thread, wrote
        together = (np.concatenate(parts, axis=-1) for parts in zip(self.summary, notes, strict=True))
        self.summary, self.notes, self.noted = _merged(*together), [], 0
        (place, block, _), first, last, wrote = self.summary
        _no_race(first, last, wrote, "of one block, since its last barrier,")
        _no_race(*_merged(place[np.newaxis], block, block, wrote)[1:], "of two blocks")


def _merged(keys, first, last, wrote):
    """Each column of `keys` once, with the least `first`, the largest `last`, and whether any `wrote`."""
    order = np.lexsort(keys[::-1])
    keys, first, last, wrote = keys[:, order], first[order], last[order], wrote[order]
    starts = np.flatnonzero(np.append(True, (np.diff(keys) != 0).any(axis=0)))
    smallest, largest = np.minimum.reduceat(first, starts), np.maximum.reduceat(last, starts)
    return keys[:, starts], smallest, largest, np.logical_or.reduceat(wrote, starts)


def _no_race(first, last, wrote, threads):
    if ((first != last) & wrote).any():
        raise KernelError(f"threads {threads} come to the same number, and one of them writes it")


class Launch:
    """A running kernel: what its instructions read (`ptx.py`), and how far each thread is."""

    def __init__(self, code, blocks, threads, parameters):
        self.code, self.parameters = code, parameters
        self.block_size, count = int(np.prod(threads)), int(np.prod(blocks))
        self.everyone = np.arange(count * self.block_size)
        self.barriers = np.zeros_like(self.everyone)  # how many each thread has passed
        block = self.everyone // self.block_size
        self.tid, self.ctaid = _axes(self.everyone % self.block_size, threads), _axes(block, blocks)
        self.ntid, self.nctaid = (
            {axis: np.full(self.everyone.shape, n, np.uint32) for axis, n in zip("xyz", sizes, strict=True)}
            for sizes in (threads, blocks)
        )
        shared = Memory(count * code.shared_size)
        for start, size in code.shared.values():
            shared.state.reshape(-1, code.shared_size)[:, start : start + size] = ALLOCATED
        shared.begin(self, base=block * code.shared_size)
        memory.begin(self)
        self.spaces = {"global": memory, "shared": shared}

    def enter(self, who):
        """Choose the threads that run next: slice(None) for all threads, or their numbers."""
        self.who, self.me = who, self.everyone[who]

    def run(self):
        """Run the kernel. A KernelError shows the kernel's name."""
        try:
            with np.errstate(all="ignore"):
                self._run()
            for space in self.spaces.values():
                space.sum_up()
        except KernelError as error:
            raise KernelError(f"{self.code.name}: {error}") from None

    def _run(self):
        registers = [np.zeros(self.everyone.shape, kind) for kind in self.code.registers]
        end = len(self.code.blocks)
        at, waiting = np.zeros_like(self.everyone), np.zeros(self.everyone.shape, np.bool_)
        for _ in range(_MOST_STEPS):
            here = int(np.where(waiting, end, at).min())
            if here < end:
                self._step(registers, at, waiting, here)
            elif waiting.any():
                self._open_barriers(waiting, at)
            else:
                return
        raise KernelError("it does not end")

    def _step(self, registers, at, waiting, here):
        """Run basic block `here` for the threads that have reached it."""
        chosen = (at == here) & ~waiting
        who = slice(None) if chosen.all() else np.flatnonzero(chosen)
        block, jump = self.code.blocks[here]
        block(registers, who, self)
        at[who] = here + 1
        if jump is BARRIER:
            waiting[who] = True
        elif jump is not None:
            jumps = True if jump.predicate is None else registers[jump.predicate][who] != jump.negated
            at[who] = np.where(jumps, jump.to, here + 1)

    def _open_barriers(self, waiting, at):
        """No thread can go on. In each block all threads must wait at the same barrier, or all must have ended."""
        by_block = waiting.reshape(-1, self.block_size)
        if (by_block.any(axis=1) != by_block.all(axis=1)).any() or np.ptp(at.reshape(by_block.shape), axis=1).any():
            raise KernelError("it waits at a barrier that not all threads of a block reach")
        self.barriers = self.barriers + waiting  # a new array, because notes keep the old one
        waiting[:] = False


def _axes(numbers, sizes):
    """{axis: the coordinate of each number}. The first axis changes fastest."""
    x, y, _ = sizes
    places = numbers % x, numbers // x % y, numbers // (x * y)
    return {axis: place.astype(np.uint32) for axis, place in zip("xyz", places, strict=True)}


memory = Memory(_MEMORY)
