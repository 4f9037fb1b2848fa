# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Folders of .npy files, and how far two arrays are apart."""

import pathlib

import numpy as np


def save_arrays(folder, arrays):
    """Writes <folder>/<name>.npy for every array; makes the folder."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in arrays.items():
        # ascontiguousarray would turn a scalar into a vector.
        np.save(folder / f"{name}.npy", np.asarray(array, order="C"))


def load_arrays(folder):
    """All arrays of a folder by name."""
    return {path.stem: np.load(path, allow_pickle=False)
            for path in sorted(pathlib.Path(folder).glob("*.npy"))}


def deviation(actual, expected):
    """Largest absolute difference divided by the largest magnitude expected.

    Shapes must agree. NaN, or an infinity on one side only, gives infinity.
    """
    actual = np.asarray(actual, dtype=np.float64)
    expected = np.asarray(expected, dtype=np.float64)
    if actual.shape != expected.shape:
        raise ValueError(f"shape {actual.shape} against {expected.shape}")
    if not actual.size:
        return 0.0
    same = actual == expected
    with np.errstate(invalid="ignore"):
        difference = np.where(same, 0.0, np.abs(actual - expected))
    if not np.isfinite(difference).all():
        return float("inf")
    finite = np.abs(expected[np.isfinite(expected)])
    scale = finite.max() if finite.size else 0.0
    largest = difference.max()
    return 0.0 if largest == 0 else float("inf") if scale == 0 else float(largest / scale)
