"""The README's programs run as they stand there, and print what it says they print, to 0.01."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()
NUMBER = re.compile(r"(?<![\w.])\d+\.\d+(?![\w.])")

# a Python block, and the plain block of its output right after it
PROGRAMS = re.findall(r"```python\n(.*?)```\s*(?:[^`\n]*\n)*?\s*```text\n(.*?)```", README, re.DOTALL)


def test_every_program_has_its_output():
    assert len(PROGRAMS) == README.count("```python")


@pytest.mark.parametrize(("program", "printed"), PROGRAMS, ids=[p[0].splitlines()[0] for p in PROGRAMS])
def test_program_prints_what_the_readme_says(program, printed, real_data, tmp_path):
    environment = {**os.environ, "MINICNN_DATA": str(real_data)}
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=environment, cwd=tmp_path
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    said = [line for line in result.stdout.splitlines() if "Compil" not in line]
    expected = printed.splitlines()
    assert len(said) >= len(expected)
    for line, wanted in zip(said[-len(expected) :], expected, strict=True):
        line, wanted = _without_times(line), _without_times(wanted)
        assert NUMBER.sub("#", line) == NUMBER.sub("#", wanted)
        for found, number in zip(NUMBER.findall(line), NUMBER.findall(wanted), strict=True):
            assert abs(float(found) - float(number)) <= 0.01, f"{line!r}, but the README says {wanted!r}"


def _without_times(line):
    line = re.sub(r"\d+s \d+m?u?s/step", "TIME", line)
    return re.sub(r"from .*", "from PLACE", line)


def test_links_lead_somewhere():
    links = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", README)
    assert links
    for link in links:
        if not link.startswith("http"):
            assert (ROOT / link).exists(), link


def test_the_path_of_a_pixel_names_six_files_and_what_to_look_for():
    section = README.split("## The path of a pixel")[1].split("\n## ")[0]
    steps = re.findall(r"^\d\. \[[^]]*\]\(([^)]+)\):(.*?)(?=^\d\. |\n\n)", section, re.MULTILINE | re.DOTALL)
    assert len(steps) == 6
    for file, text in steps:
        names = re.findall(r"`(\w+)`", text)
        assert any(f"def {name}(" in (ROOT / file).read_text() for name in names), f"{file} defines none of {names}"


def test_the_two_commands_are_those_that_are_tested():
    commands = re.findall(r"^    (pip .*|python .*)$", README, re.MULTILINE)
    assert any("examples/fashion_mnist.py" in command for command in commands)
    test_command = next(command for command in commands if "pytest" in command)
    assert test_command.split("&& ")[-1] in (ROOT / ".ci" / "run").read_text()
