"""List the image files in a folder."""

from __future__ import annotations

import os
from pathlib import Path


def checked_folder(directory) -> Path:
    """The folder as a Path. If there is no such folder, FileNotFoundError or NotADirectoryError names it."""
    folder = Path(os.fsdecode(directory))
    if not folder.exists():
        raise FileNotFoundError(f"There is no folder {str(directory)!r}.")
    if not folder.is_dir():
        raise NotADirectoryError(f"{str(directory)!r} is a file; a folder with a folder for each class is needed.")
    return folder


def class_folders(folder: Path, hidden=True) -> list[str]:
    """The names of the folders in a folder, sorted. hidden: include names that begin with a dot."""
    return sorted(entry.name for entry in folder.iterdir() if entry.is_dir() and (hidden or entry.name[0] != "."))


def pictures_in(folder: Path, extensions: tuple[str, ...], follow_links=False) -> list[Path]:
    """The files below a folder that end in one of the extensions, sorted by folder and name."""
    checked_folder(folder)
    found = sorted(os.walk(folder, followlinks=follow_links), key=lambda entry: entry[0])
    return [Path(root, name) for root, _, names in found for name in sorted(names) if name.lower().endswith(extensions)]
