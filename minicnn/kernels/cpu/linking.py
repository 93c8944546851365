"""A loop over threads, turned into machine code once, where Numba does it four times over.

Numba takes the body of a `prange` out of its function and makes three libraries of it before the function's own: the
body, a wrapper that unpacks the body's arguments, and a wrapper that hands that one to the threads. Each holds all of
the one before, each is optimised and becomes machine code, and only the last is run and kept. Here the three are parts:
they are linked into the function's library, which alone is optimised and translated. The kernels of a small
convolutional network's first step take 27 s of a Zen 3 core to compile instead of 49.

This goes by names inside Numba, tested with its releases 0.61 and 0.68.
"""

from __future__ import annotations

from contextlib import contextmanager

from numba.core.codegen import JITCodeLibrary

_PARTS = ("__numba_parfor_gufunc", "<numba.np.ufunc.wrappers._GufuncWrapper", "parallelgufuncwrapper")
"""How the names of the three libraries begin."""


def link_before_compiling(dispatcher) -> None:
    """From now on the dispatcher compiles its function as above."""
    compiler = dispatcher._compiler
    compile_as_numba_does = compiler.compile

    def compile(args, return_type):
        codegen = dispatcher.targetctx.codegen()
        with _parts_only_linked(codegen):
            result = compile_as_numba_does(args, return_type)
        for environment in result._find_referenced_environments():
            codegen.set_env(environment.env_name, environment)
        return result

    compiler.compile = compile


class _Part(JITCodeLibrary):
    """A library that is linked into others and never called by its address."""

    def _optimize_final_module(self):
        """Not here, but once for all."""

    def _finalize_final_module(self):
        """Linked, and nothing else."""
        self._finalize_dynamic_globals()
        self._finalized = True

    def get_pointer_to_function(self, name):
        """Zero, Numba's word for a function that is not there: it is, once the part is linked."""
        return 0


@contextmanager
def _parts_only_linked(codegen):
    """Meanwhile `codegen` makes `_Part`s of what `_PARTS` names. Numba's compiler lock keeps other threads away."""

    def create_library(name, **options):
        kind = _Part if name.startswith(_PARTS) else JITCodeLibrary
        return kind(codegen, name, **options)

    def set_env(name, environment):
        """Tell a function what it raises errors with, unless it is in a part: then it is told when that is linked."""
        if codegen._engine.is_symbol_defined(name):
            type(codegen).set_env(codegen, name, environment)

    codegen.create_library, codegen.set_env = create_library, set_env
    try:
        yield
    finally:
        del codegen.create_library, codegen.set_env
