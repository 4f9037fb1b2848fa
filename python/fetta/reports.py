# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Reads what `fetta-sim run --report DIR` writes."""

import csv
import json
import pathlib


def read_summary(report):
    """The dictionary of summary.json; report is the folder or the file."""
    path = pathlib.Path(report)
    if path.is_dir():
        path = path / "summary.json"
    with path.open() as file:
        summary = json.load(file)
    missing = [key for key in ("cycles", "macs", "utilization", "phases", "energy_pj")
               if key not in summary]
    if missing:
        raise ValueError(f"{path}: not a report of fetta-sim: no {', '.join(missing)}")
    return summary


def _number(text):
    for convert in (int, float):
        try:
            return convert(text)
        except ValueError:
            pass
    return text


def read_ops(report):
    """The lines of ops.csv as dictionaries, one per contraction; numbers are
    converted. report is the folder or the file."""
    path = pathlib.Path(report)
    if path.is_dir():
        path = path / "ops.csv"
    with path.open(newline="") as file:
        return [{key: _number(value) for key, value in row.items()}
                for row in csv.DictReader(file)]
