"""A file that is replaced (`saving/atomic.py`) keeps its permissions and its owner."""

from __future__ import annotations

import os
import sys

import pytest

from minicnn.saving.atomic import replacing

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such permissions and owners")


def replace(file):
    with replacing(file) as new, open(new, "w") as stream:
        stream.write("new")
    return os.stat(file)


def test_permissions_stay_and_a_new_file_gets_the_usual_ones(tmp_path):
    old, usual = tmp_path / "old", tmp_path / "usual"
    old.write_text("old")
    usual.write_text("")
    old.chmod(0o640)
    assert replace(old).st_mode & 0o777 == 0o640 and old.read_text() == "new"
    assert replace(tmp_path / "another").st_mode == usual.stat().st_mode


def test_the_owner_stays_where_this_process_may_give_files_away(tmp_path, monkeypatch):
    file, asked = tmp_path / "file", []
    file.write_text("old")
    owner = os.stat(file)

    def chown(path, user, group):
        asked.append((os.path.dirname(path), user, group))
        raise PermissionError("only the administrator may")

    monkeypatch.setattr(os, "chown", chown)
    replace(file)
    assert asked == [(os.path.realpath(tmp_path), owner.st_uid, owner.st_gid)] and file.read_text() == "new"
    replace(tmp_path / "another")
    assert len(asked) == 1, "a new file belongs to the process that makes it"
