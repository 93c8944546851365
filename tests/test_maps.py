"""Every folder of minicnn has a map: the docstring of its `__init__.py` or its README.md names every module in it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import minicnn

PACKAGE = Path(minicnn.__file__).parent
FOLDERS = sorted(file.parent for file in PACKAGE.rglob("__init__.py"))


def entries(folder):
    """The names of the modules and packages in a folder, without those that start with an underscore."""
    found = [path for path in folder.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()]
    return sorted(path.stem for path in found if not path.name.startswith("_"))


def map_of(folder):
    readme = folder / "README.md"
    docstring = ast.get_docstring(ast.parse((folder / "__init__.py").read_text())) or ""
    return docstring + "\n" + (readme.read_text() if readme.exists() else "")


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.relative_to(PACKAGE.parent).as_posix())
def test_the_map_names_every_file(folder):
    text = map_of(folder)
    missing = [name for name in entries(folder) if not re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text)]
    assert not missing, f"the map of {folder.name}/ does not name {', '.join(missing)}: add a few words for each"
