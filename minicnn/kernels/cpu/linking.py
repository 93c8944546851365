"""Compile a loop over threads once, where Numba compiles it four times.

Numba takes the body of a `prange` out of its function. It makes three libraries before the function's own: the body, a
wrapper that unpacks the body's arguments, and a wrapper that gives the first wrapper to the threads. Each library holds
all code of the one before. Numba optimises each and turns it into machine code, but only the function's own library is
run and kept. Here the three are parts: they are linked into the function's library, and only this library is optimised
and turned into machine code. The kernels of a small convolutional network's first step then take 27 s to compile
instead of 49, on a Zen 3 core.

The code depends on names inside Numba. It is tested with the releases 0.61 and 0.68.
"""

from __future__ import annotations

from contextlib import contextmanager

from numba.core.codegen import JITCodeLibrary

_PARTS = ("__numba_parfor_gufunc", "<numba.np.ufunc.wrappers._GufuncWrapper", "parallelgufuncwrapper")
"""How the names of the three libraries begin."""


def link_before_compiling(dispatcher) -> None:
    """Make the dispatcher compile its function as described above."""
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
        """Do nothing: the function's library is optimised once, with its parts in it."""

    def _finalize_final_module(self):
        """Finish without making machine code: the part will only be linked."""
        self._finalize_dynamic_globals()
        self._finalized = True

    def get_pointer_to_function(self, name):
        """Zero, which tells Numba that the function has no address yet. It gets one when the part is linked."""
        return 0


@contextmanager
def _parts_only_linked(codegen):
    """Within this block `codegen` makes a `_Part` of each library that `_PARTS` names. Meanwhile Numba's compiler lock
    makes other threads wait."""

    def create_library(name, **options):
        kind = _Part if name.startswith(_PARTS) else JITCodeLibrary
        return kind(codegen, name, **options)

    def set_env(name, environment):
        """Give a function the environment from which it raises errors. For a function in a part, `compile` does this
        later, after linking."""
        if codegen._engine.is_symbol_defined(name):
            type(codegen).set_env(codegen, name, environment)

    codegen.create_library, codegen.set_env = create_library, set_env
    try:
        yield
    finally:
        del codegen.create_library, codegen.set_env
