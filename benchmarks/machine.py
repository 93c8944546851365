"""One line about the machine: processor, cores, threads, versions. It stands under every table."""

from __future__ import annotations

import importlib.metadata
import platform

import numba
from numba import config


def described(*packages) -> str:
    """The processor's name and vector instructions, its cores, the threads in use, and the packages' versions."""
    features = config.CPU_FEATURES or numba.core.codegen.get_host_cpu_features()
    vectors = next(
        (v for v, flag in (("AVX-512", "+avx512f"), ("AVX2", "+avx2"), ("NEON", "+neon")) if flag in features), ""
    )
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in packages)
    return (
        f"Machine: {_processor()}{f' ({vectors})' if vectors else ''}, {config.NUMBA_DEFAULT_NUM_THREADS} cores, "
        f"{numba.get_num_threads()} threads; Python {platform.python_version()}, {versions}."
    )


def _processor():
    try:
        with open("/proc/cpuinfo") as file:
            fields = dict(line.split(":", 1) for line in file if ":" in line)
        return next(value.strip() for key, value in fields.items() if key.strip() == "model name")
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
