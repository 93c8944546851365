"""Shared by the benchmarks: a line that describes the machine, and a function that puts a table into a README."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import sys
from pathlib import Path

import numba
from numba import config

_QUIET = 0.5  # the most programs that run on average


def described(*packages) -> str:
    """A line with the CPU's name, vector instructions and cores, the threads in use, and the packages' versions."""
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


def refuse_if_busy() -> None:
    """End the program if other programs use the machine: then its times say nothing about minicnn."""
    load = os.getloadavg()[0]
    if load > _QUIET:
        sys.exit(
            f"The machine is busy: on average {load:.1f} programs ran in the last minute. Wait, or leave --write out."
        )


def put(file: Path, name: str, text: str) -> None:
    """Replace the text between the two marks of `name` in a Markdown file."""
    first, last = f"<!-- {name}: made by benchmarks/{name}.py -->", f"<!-- end of {name} -->"
    content = file.read_text()
    pattern = re.compile(f"{re.escape(first)}.*?{re.escape(last)}", re.DOTALL)
    assert pattern.search(content), f"{file} has no place for {name}: it needs the lines {first} and {last}"
    file.write_text(pattern.sub(lambda _: f"{first}\n{text}\n{last}", content))
