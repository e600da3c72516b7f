"""Image sets in the IDX format of LeCun, Cortes & Burges (the MNIST files)."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..golden.errors import InvalidValue, require

__all__ = ["read_idx", "read_image_set"]

MAX_BYTES = 1 << 30
_KINDS = {0x08: np.dtype(np.uint8)}


def read_idx(path: Path) -> NDArray[np.uint8]:
    """The array of an IDX file of bytes, plain or ``.gz``.

    Raises
    ------
    InvalidValue
        For a missing, cut off or oversized file, or one that is no IDX file of bytes.
    """
    require(path.is_file(), "data", str(path), "an existing file")
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except (OSError, EOFError) as error:
        raise InvalidValue("data", str(path), "a readable file") from error
    require(len(raw) <= MAX_BYTES, "data", str(path), f"at most {MAX_BYTES} bytes")
    good = len(raw) >= 8 and raw[:2] == b"\0\0" and raw[2] in _KINDS and 1 <= raw[3] <= 3
    require(good, "data", str(path), "an IDX file of bytes with one to three axes")
    axes = raw[3]
    start = 4 + 4 * axes
    require(len(raw) >= start, "data", str(path), "a whole header")
    shape = struct.unpack(f">{axes}I", raw[4:start])
    size = int(np.prod(shape, dtype=np.uint64))
    require(len(raw) - start == size, "data", f"{len(raw) - start} bytes", f"{size}: {shape}")
    return np.frombuffer(raw, dtype=np.uint8, offset=start).reshape(shape)


def read_image_set(folder: Path, part: str) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Images ``(n, pixels)`` and labels ``(n,)`` of ``part``, ``train`` or ``t10k``.

    Raises
    ------
    InvalidValue
        For a missing file, counts that differ, or labels outside 0 to 9.
    """
    images = read_idx(_find(folder, f"{part}-images", "idx3-ubyte"))
    labels = read_idx(_find(folder, f"{part}-labels", "idx1-ubyte"))
    require(images.ndim == 3, f"{part} images", list(images.shape), "three axes")
    good = labels.ndim == 1 and len(labels) == len(images) > 0
    require(good, f"{part} labels", list(labels.shape), f"{len(images)} labels")
    require(int(labels.max()) <= 9, f"{part} labels", int(labels.max()), "0 to 9")
    return images.reshape(len(images), -1), labels.astype(np.int64)


def _find(folder: Path, stem: str, kind: str) -> Path:
    for name in (f"{stem}-{kind}", f"{stem}.{kind}"):
        for path in (folder / name, folder / f"{name}.gz"):
            if path.is_file():
                return path
    raise InvalidValue("data", str(folder), f"a folder with {stem}-{kind}, plain or .gz")
