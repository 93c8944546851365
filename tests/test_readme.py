"""Every README: its programs print what the page says, to 0.01, and its links lead to files and headings."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("benchmarks", "examples", "minicnn", "tests")
PAGES = {
    file.relative_to(ROOT).as_posix(): file.read_text()
    for file in (ROOT / "README.md", *sorted(page for name in FOLDERS for page in (ROOT / name).rglob("README.md")))
}
README = PAGES["README.md"]
NUMBER = re.compile(r"(?<![\w.])\d+\.\d+(?![\w.])")
LINK = re.compile(r"\]\(([^)#\s]*)(?:#([^)\s]*))?\)")

# a Python block, and after it the text block with its output
PROGRAM = re.compile(r"```python\n(.*?)```\s*(?:[^`\n]*\n)*?\s*```text\n(.*?)```", re.DOTALL)
PROGRAMS = [
    pytest.param(program, printed, id=f"{page}, {program.splitlines()[0]}")
    for page, text in PAGES.items()
    for program, printed in PROGRAM.findall(text)
]


@pytest.mark.parametrize("page", PAGES)
def test_every_program_has_its_output(page):
    assert len(PROGRAM.findall(PAGES[page])) == PAGES[page].count("```python")


@pytest.mark.parametrize(("program", "printed"), PROGRAMS)
def test_program_prints_what_the_page_says(program, printed, real_data, tmp_path):
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
            assert abs(float(found) - float(number)) <= 0.01, f"{line!r}, but the page says {wanted!r}"


def _without_times(line):
    line = re.sub(r"\d+s \d+m?u?s/step", "TIME", line)
    return re.sub(r"from .*", "from PLACE", line)


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    for link, heading in LINK.findall(PAGES[page]):
        if not link.startswith("http"):
            target = (ROOT / page).parent / link if link else ROOT / page
            assert target.exists(), link
            if heading:
                assert heading in _anchors(target.read_text()), f"{link}#{heading}"


def _anchors(text):
    """The names of a page's headings in links."""
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings]


def test_readme_is_short_and_leads_to_every_page():
    assert README.count("\n") <= 150
    assert set(PAGES) - {"README.md"} <= {link for link, _ in LINK.findall(README)}


def test_the_results_are_those_of_the_tables():
    section = README.split("## Results")[1].split("\n## ")[0]
    numbers = NUMBER.findall(section)
    assert len(numbers) >= 6
    tables = [line for line in PAGES["benchmarks/README.md"].splitlines() if line.startswith("|")]
    assert set(numbers) <= set(NUMBER.findall("\n".join(tables)))


def test_the_path_of_a_pixel_names_seven_files_and_what_to_look_for():
    section = README.split("## The path of a pixel")[1].split("\n## ")[0]
    steps = re.findall(r"^\d\. \[[^]]*\]\(([^)]+)\):(.*?)(?=^\d\. |\n\n)", section, re.MULTILINE | re.DOTALL)
    assert len(steps) == 7
    for file, text in steps:
        names = re.findall(r"`(\w+)`", text)
        assert any(f"def {name}(" in (ROOT / file).read_text() for name in names), f"{file} defines none of {names}"


def test_the_way_back_names_functions_that_are_there():
    section = README.split("## The way back")[1].split("\n## ")[0]
    steps = re.findall(r"^\d\. \[?`([^`]+)`[^:]*: `(\w+)`", section, re.MULTILINE)
    assert len(steps) == 5
    for file, name in steps:
        assert f"def {name}(" in (ROOT / "minicnn" / file).read_text(), f"{file} does not define {name}"


def test_the_two_commands_are_those_that_are_tested():
    commands = re.findall(r"^    (pip .*|python .*)$", README, re.MULTILINE)
    assert any("examples/fashion_mnist.py" in command for command in commands)
    test_command = next(command for command in commands if "pytest" in command)
    assert test_command.split("&& ")[-1] in (ROOT / ".ci" / "run").read_text()
