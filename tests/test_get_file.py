"""`utils.get_file` and `utils.Progbar`: files are downloaded once and unpacked safely; loops show progress."""

from __future__ import annotations

import hashlib
import http.server
import io
import os
import sys
import tarfile
import threading
import zipfile
from pathlib import Path

import pytest

from minicnn import utils

MODULE = sys.modules[utils.get_file.__module__]  # its function has the same name


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def archive(path, names=("flowers/rose.txt", "flowers/tulip.txt")):
    """An archive of small files; zip or tar by the path's name."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as file:
            for name in names:
                file.writestr(name, name)
        return path
    with tarfile.open(path, "w:gz" if path.suffix in (".gz", ".tgz") else "w") as file:
        for name in names:
            member = tarfile.TarInfo(name)
            member.size = len(name)
            file.addfile(member, io.BytesIO(name.encode()))
    return path


def test_a_file_is_downloaded_once(home, tmp_path, capsys):
    source = tmp_path / "numbers.txt"
    source.write_text("1 2 3")
    path = utils.get_file(origin=source.as_uri())
    assert path == str(home / "datasets" / "numbers.txt") and Path(path).read_text() == "1 2 3"
    assert f"downloading {source.as_uri()} to {path}" in capsys.readouterr().out
    source.unlink()
    assert utils.get_file(origin=source.as_uri()) == path and capsys.readouterr().out == ""
    with pytest.raises(FileNotFoundError, match=r"numbers\.txt"):
        utils.get_file(origin=source.as_uri(), force_download=True)
    assert Path(path).read_text() == "1 2 3", "a download that fails leaves the old file"


@pytest.mark.parametrize("algorithm", ["md5", "sha256"])
def test_a_file_with_another_checksum_is_not_taken(home, tmp_path, algorithm, capsys):
    source = tmp_path / "numbers.txt"
    source.write_text("1 2 3")
    good = hashlib.new(algorithm, b"1 2 3").hexdigest()
    assert Path(utils.get_file("a.txt", source.as_uri(), file_hash=good)).read_text() == "1 2 3"
    assert utils.get_file("b.txt", source.as_uri(), **{"md5_hash": good} if algorithm == "md5" else {})
    with pytest.raises(ValueError, match="another file than expected"):
        utils.get_file("c.txt", source.as_uri(), file_hash="0" * len(good))
    assert sorted(os.listdir(home / "datasets")) == ["a.txt", "b.txt"]
    (home / "datasets" / "a.txt").write_text("changed")
    assert Path(utils.get_file("a.txt", source.as_uri(), file_hash=good)).read_text() == "1 2 3"
    assert "is not the expected file" in capsys.readouterr().out
    with pytest.raises(ValueError, match="hash_algorithm"):
        utils.get_file("a.txt", source.as_uri(), file_hash=good, hash_algorithm="sha1")


@pytest.mark.parametrize("suffix", [".tgz", ".tar", ".tar.gz", ".zip"])
@pytest.mark.parametrize("named", [None, "plants.tgz", "plants"])
def test_archives_unpack_where_keras_unpacks_them(tf, tmp_path, monkeypatch, suffix, named):
    source = archive(tmp_path / f"flowers{suffix}")
    made = []
    for library, place in ((utils, "ours"), (tf.keras.utils, "theirs")):
        folder = tmp_path / place
        folder.mkdir()
        path = library.get_file(named, source.as_uri(), extract=True, cache_dir=folder)
        files = sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())
        made.append((str(Path(path).relative_to(folder)), files))
    assert made[0] == made[1]


def test_an_unpacked_archive_is_left_alone(home, tmp_path):
    source = archive(tmp_path / "flowers.tgz")
    path = Path(utils.get_file("flowers", source.as_uri(), untar=True))
    (path / "flowers" / "rose.txt").write_text("mine")
    source.unlink()
    assert utils.get_file("flowers", source.as_uri(), untar=True) == str(path)
    assert (path / "flowers" / "rose.txt").read_text() == "mine"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # newer Pythons miss the filter that is taken away here
@pytest.mark.parametrize("suffix", [".zip", ".tgz", ".tgz without filters"])
@pytest.mark.parametrize("name", ["../outside.txt", "/outside.txt", "a/../../outside.txt"])
def test_a_path_that_leads_outside_is_refused(home, tmp_path, suffix, name, monkeypatch):
    if "without" in suffix:
        monkeypatch.delattr(tarfile, "data_filter", raising=False)  # as in Python 3.11.0 to 3.11.3
    suffix = suffix.split()[0]
    source = archive(tmp_path / f"bad{suffix}", ("good.txt", name))
    if suffix == ".tgz" and name.startswith("/"):  # tarfile takes the leading slash away
        assert (Path(utils.get_file("bad", source.as_uri(), extract=True)) / "outside.txt").exists()
        return
    with pytest.raises(ValueError, match="cannot be unpacked"):
        utils.get_file("bad", source.as_uri(), extract=True)
    assert os.listdir(home / "datasets") == ["bad_archive"] and not (home / "outside.txt").exists()


def test_what_is_no_archive_is_refused(home, tmp_path):
    (tmp_path / "text.zip").write_text("no archive")
    with pytest.raises(ValueError, match="it is no archive"):
        utils.get_file(origin=(tmp_path / "text.zip").as_uri(), extract=True)
    broken = archive(tmp_path / "half.tgz")
    broken.write_bytes(broken.read_bytes()[:60])
    with pytest.raises(ValueError, match="cannot be unpacked"):
        utils.get_file(origin=broken.as_uri(), extract=True)


@pytest.mark.parametrize("arguments", [{}, {"fname": "a/b.txt", "origin": "file:///x"}, {"origin": "http://host/"}])
def test_mistakes_are_reported(home, arguments):
    with pytest.raises(ValueError, match="received"):
        utils.get_file(**arguments)


def test_half_a_file_gets_no_name(home):
    class Breaks(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", "100000")
            self.end_headers()
            self.wfile.write(b"half of it")

        def log_message(self, *arguments):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Breaks)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with pytest.raises(FileNotFoundError, match="the connection broke after 10 of 100000 bytes"):
        utils.get_file("w.h5", f"http://127.0.0.1:{server.server_port}/w")
    server.shutdown()
    assert list((home / "datasets").iterdir()) == []


def test_a_folder_that_cannot_be_written(home, tmp_path, monkeypatch):
    source = tmp_path / "numbers.txt"
    source.write_text("1")
    monkeypatch.setattr(MODULE.os, "access", lambda path, mode: False)
    monkeypatch.setattr(MODULE.tempfile, "gettempdir", lambda: str(tmp_path / "temporary"))
    assert utils.get_file(origin=source.as_uri()) == str(tmp_path / "temporary" / ".keras" / "datasets" / "numbers.txt")


def test_progbar_shows_means_and_values_as_they_are(capsys):
    bar = utils.Progbar(3, stateful_metrics=["rate"], unit_name="picture")
    for step, loss in enumerate([4.0, 2.0, 3.0], 1):
        bar.update(step, [("loss", loss), ("rate", 10.0 * step)], finalize=False)
    assert capsys.readouterr().out == "", "no terminal: one line at the end"
    bar.add(0, None)
    shown = capsys.readouterr().out
    assert shown.startswith("3/3 ") and "/picture - loss: 3.0000 - rate: 30.0000\n" in shown
    only = utils.Progbar(None, verbose=2, stateless_metrics=["loss"])
    only.update(1, [("loss", 1.0), ("rate", 5.0)])
    only.update(3, [("loss", 4.0), ("rate", 7.0)])
    only.update(3, finalize=True)
    assert capsys.readouterr().out.endswith("- loss: 3.0000 - rate: 7.0000\n")
    with pytest.raises(ValueError, match="not both"):
        utils.Progbar(3, stateful_metrics=["a"], stateless_metrics=["b"])


@pytest.mark.parametrize("first", [False, True])
def test_an_archive_may_be_asked_for_with_and_without_unpacking(home, tmp_path, first):
    address = archive(tmp_path / "flowers.zip").as_uri()
    for extract in (first, not first, first):
        path = Path(utils.get_file(origin=address, extract=extract, archive_format=["zip", "tar"]))
        assert path.is_dir() == extract
        assert (path / "flowers" / "rose.txt").exists() if extract else zipfile.is_zipfile(path)


def test_names_and_archives_that_cannot_be_used(home, tmp_path):
    for name in ("..", "."):
        with pytest.raises(ValueError, match="fname is a file's name without folders"):
            utils.get_file(name, origin="file:///nowhere")
    both = archive(tmp_path / "both.zip", ("rose", "rose/leaf.txt"))  # a file that should be a folder too
    with pytest.raises(ValueError, match="cannot be unpacked"):
        utils.get_file(origin=both.as_uri(), extract=True)
