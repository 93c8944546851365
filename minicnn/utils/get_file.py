"""Download a file once, check it, and unpack it."""

from __future__ import annotations

import hashlib
import os
import shutil
import tarfile
import tempfile
import zipfile
from http.client import HTTPException
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import urlopen

from ..config import keras_home
from ..printing import say
from .progbar import Progbar

_ABOUT_PATHS = (FileExistsError, IsADirectoryError, NotADirectoryError)  # entries of an archive that do not go together
_SECONDS = 20  # a download is stopped after so many seconds without an answer


def get_file(
    fname=None,
    origin=None,
    untar=False,
    md5_hash=None,
    file_hash=None,
    cache_subdir="datasets",
    hash_algorithm="auto",
    extract=False,
    archive_format="auto",
    cache_dir=None,
    force_download=False,
) -> str:
    """The path of the file at the address `origin`, which is downloaded if it is not there already.

    It is kept as cache_dir/cache_subdir/fname; cache_dir is Keras's folder, ~/.keras, unless given, and fname the
    address's last part. file_hash: the MD5 or SHA-256 that the file must have. With extract (or untar) the file is a
    .tar, .tar.gz, .tar.bz2 or .zip archive, and the path returned is that of the folder into which it was unpacked:
    fname_extracted, or the address's last part.

    FileNotFoundError if the file cannot be downloaded; ValueError if it has another hash, is no archive, or holds a
    path that leads outside the folder. Nothing is left of a download or an unpacking that did not end.
    """
    if origin is None:
        raise ValueError("get_file needs origin, the address of the file; received origin=None.")
    origin = os.fspath(origin)
    name = os.fspath(fname) if fname else Path(urlsplit(origin).path).name
    if name in ("", ".", "..") or Path(name).name != name:
        raise ValueError(f"fname is a file's name without folders; received fname={fname!r}, origin={origin!r}.")
    folder = Path(cache_dir).expanduser() if cache_dir else keras_home()
    if not os.access(_existing(folder), os.W_OK):
        folder = Path(tempfile.gettempdir()) / ".keras"
    folder /= cache_subdir
    unpacks = extract or untar
    kept = folder / (f"{name}_archive" if unpacks and not (fname and "." in name) else name)
    if kept.is_dir():  # the folder into which an earlier call unpacked the archive
        kept = folder / f"{name}_archive"
    checksum, algorithm = (file_hash, hash_algorithm) if md5_hash is None or file_hash else (md5_hash, "md5")
    new = force_download or not kept.exists()
    if not new and checksum is not None and not _is_expected(kept, checksum, algorithm):
        say(f"minicnn: {kept} is not the expected file: its checksum is not {checksum}.")
        new = True
    if new:
        _download(origin, kept, checksum, algorithm)
    if not unpacks:
        return str(kept)
    target = folder / (f"{name.split('.')[0]}_extracted" if fname and "." in name else name)
    if target.is_file():  # the archive itself, from an earlier call without extract
        target = folder / f"{name.split('.')[0]}_extracted"
    if new or not target.exists():
        _unpack(kept, target, "tar" if untar else archive_format)
    return str(target)


def _existing(folder):
    """The folder, or the nearest folder above it that exists."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder


def _is_expected(path, checksum, algorithm):
    if algorithm not in ("auto", "md5", "sha256"):
        raise ValueError(f'hash_algorithm must be "auto", "md5" or "sha256"; received {algorithm!r}.')
    if algorithm == "auto":
        algorithm = "sha256" if len(checksum) == 64 else "md5"
    with open(path, "rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest() == checksum.lower()


def _download(address, path, checksum, algorithm):
    """Download the file under another name, and rename it to `path` only when it is complete."""
    say(f"minicnn: downloading {address} to {path}")
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with urlopen(address, timeout=_SECONDS) as answer, open(part, "wb") as file:
            announced = answer.headers.get("Content-Length")
            progress = Progbar(int(announced) if announced else None, unit_name="byte")
            while block := answer.read(1 << 20):
                file.write(block)
                progress.update(file.tell(), finalize=False)
            if announced is not None and file.tell() != int(announced):
                raise OSError(f"the connection broke after {file.tell()} of {announced} bytes")
            progress.update(file.tell(), finalize=True)
        if checksum is not None and not _is_expected(part, checksum, algorithm):
            raise ValueError(f"{address} gave another file than expected: its checksum is not {checksum}.")
        part.replace(path)
    except (OSError, HTTPException) as error:
        raise FileNotFoundError(
            f"{path.name} was not found, and it cannot be downloaded ({error}). Get it from {address} and put it in "
            f"{path.parent}{'' if path.name in address else f', named {path.name}'}."
        ) from error
    finally:
        part.unlink(missing_ok=True)


def _unpack(archive, target, form):
    """Unpack into a new folder beside the target, and rename it only when all is there."""
    forms = ("tar", "zip") if form == "auto" else [form] if isinstance(form, str) else form or ()
    beside = Path(tempfile.mkdtemp(prefix=f"{target.name}.", dir=target.parent))
    try:
        if "tar" in forms and tarfile.is_tarfile(archive):
            with tarfile.open(archive) as file:
                _extract(file, beside)
        elif "zip" in forms and zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as file:
                for name in file.namelist():
                    if not (beside / name).resolve().is_relative_to(beside.resolve()):
                        raise ValueError(f"the path {name!r} leads outside the folder")
                file.extractall(beside)
        else:
            raise ValueError(f"it is no archive of the format {form!r}")
        beside.chmod(0o755)
        if target.exists():
            shutil.rmtree(target)
        beside.rename(target)
    except (tarfile.TarError, zipfile.BadZipFile, ValueError, EOFError, RuntimeError, *_ABOUT_PATHS) as error:
        raise ValueError(f"{archive} cannot be unpacked: {error}.") from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _extract(archive: tarfile.TarFile, folder: Path) -> None:
    """Unpack a tar archive. ValueError or tarfile.FilterError for a path that leads outside, and for a device."""
    if hasattr(tarfile, "data_filter"):
        archive.extractall(folder, filter="data")
        return
    for member in archive.getmembers():  # Python before 3.11.4 has no filters
        member.name = member.name.lstrip("/")
        inside = (folder / member.name).resolve().is_relative_to(folder.resolve())
        if not (inside and (member.isfile() or member.isdir())):
            raise ValueError(f"{member.name!r} leads outside the folder, or is neither a file nor a folder")
    archive.extractall(folder)
