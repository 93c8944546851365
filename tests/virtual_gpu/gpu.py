"""A GPU in NumPy, where there is none: it runs the compiled kernels and reports what compute-sanitizer would.

All threads of a launch take an instruction together (`ptx.py`); where their ways part, those go on first that stand at
the earliest place in the code. A kernel that does one of these ends with a KernelError:

- it reads or writes outside of every array, or four numbers at once at an address that is not a multiple of their size;
- it reads what nobody has written;
- two threads come to the same number, one of them to write it, with no barrier between them (a race);
- it waits at a barrier that some threads of the block never reach.

Launches come from `driver_kernels.py`.
"""

from __future__ import annotations

import numpy as np

from .ptx import BARRIER

NEVER, ALLOCATED, WRITTEN = range(3)  # what a byte of memory is; NEVER: nobody's
_MEMORY = 1 << 30  # bytes that may be allocated, one after the other; none serves twice
_BETWEEN = 256  # bytes between arrays that belong to none of them
_MOST_STEPS = 1_000_000  # basic blocks that one launch may run
_MOST_NOTES = 1 << 22  # accesses to memory that are noted before they are summed up


class KernelError(AssertionError):
    """What a kernel did that it must not do."""


class Memory:
    """A space of memory, and who came to what in it during a launch."""

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
        """From here on these bytes count as not written."""
        self.state[start : start + size] = ALLOCATED

    def free(self, start, size):
        """From here on these bytes belong to nobody."""
        self.state[start : start + size] = NEVER

    def content(self, start, size):
        """These bytes, which must have been written."""
        self._somebodys(start, size)
        self.check_written(start, size)
        return self.bytes[start : start + size]

    def check_written(self, start, size):
        """KernelError if one of these bytes is not."""
        if (self.state[start : start + size] != WRITTEN).any():
            raise KernelError("a copy reads what nobody wrote")

    def fill(self, start, content):
        """Replace bytes from `start` on."""
        self._somebodys(start, content.size)
        self.bytes[start : start + content.size] = content
        self.state[start : start + content.size] = WRITTEN

    def copy(self, to, start, size):
        """Replace bytes by others, written or not."""
        self._somebodys(to, size)
        self._somebodys(start, size)
        self.bytes[to : to + size] = self.bytes[start : start + size]
        self.state[to : to + size] = self.state[start : start + size]

    def _somebodys(self, start, size):
        if not self.state[start : start + size].all():
            raise KernelError("a copy reaches outside of every array")

    def begin(self, launch, base=None):
        """From here on threads of this launch come; `base` (threads,): where each one's part of the memory begins."""
        self.launch, self.base = launch, base
        self.notes, self.noted = [], 0  # (places, barriers passed, threads, whether they write) of each access
        self.summary = np.empty((3, 0), np.int64), *(np.empty(0, np.int64),) * 2, np.empty(0, np.bool_)

    def load(self, place, kind, count):
        """`count` neighbours of each thread's place, in a list of arrays."""
        return [self.bytes.view(kind)[at // kind.itemsize] for at in self._visited(place, kind, count, writes=False)]

    def store(self, place, kind, *values):
        """Write neighbours from each thread's place on."""
        for at, value in zip(self._visited(place, kind, len(values), writes=True), values, strict=True):
            self.bytes.view(kind)[at // kind.itemsize] = value
            self.state.view(f"u{kind.itemsize}")[at // kind.itemsize] = int.from_bytes([WRITTEN] * kind.itemsize)

    def _visited(self, place, kind, count, writes):
        """The places of each of `count` neighbours: checked, and noted."""
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
        """Of each number, block, and time between two barriers, keep the first and the last thread that came, and
        whether one wrote. KernelError if these tell of a race."""
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
    """A kernel on its way: what its instructions ask for (`ptx.py`), and where each thread stands."""

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
        """These threads are next: slice(None) for all of them, or their numbers."""
        self.who, self.me = who, self.everyone[who]

    def run(self):
        """KernelError, with the kernel's name, for what it must not do."""
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
        """Those that stand before basic block `here` run it."""
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


memory = Memory(_MEMORY)
