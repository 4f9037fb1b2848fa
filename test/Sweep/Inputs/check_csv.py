# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Looks at the CSV and JSON of a sweep: check_csv.py FILE.csv FILE.json. The
front is found again by comparing all pairs."""

import csv
import json
import sys

with open(sys.argv[1], newline="") as file:
    rows = list(csv.DictReader(file))
points = json.load(open(sys.argv[2]))["points"]
assert len(rows) == len(points)
for row, point in zip(rows, points):
    assert int(row["point"]) == point["point"]
    assert row["status"] == point["status"]
    for key, value in point["values"].items():
        assert row[key] == value
    if row["status"] != "ok":
        assert row["reason"] == point["reason"] and row["cycles"] == ""
        continue
    for key, value in point.items():
        if isinstance(value, float):
            assert abs(float(row[key]) - value) <= 1e-8 * abs(value), key
    assert int(row["cycles"]) >= int(row["limit_cycles"])
    low, nominal, high = (float(row[f"energy{s}_pj"]) for s in ("_low", "", "_high"))
    assert low <= nominal <= high
    parts = float(row["dynamic_energy_pj"]) + float(row["static_energy_pj"])
    assert abs(parts - nominal) <= 1e-6 * nominal
ok = [row for row in rows if row["status"] == "ok"]
figures = [tuple(float(row[k]) for k in ("cycles", "energy_pj", "area_mm2")) for row in ok]
for row, own in zip(ok, figures):
    beaten = any(all(a <= b for a, b in zip(other, own)) and other != own for other in figures)
    assert row["front"] == ("0" if beaten else "1"), row["point"]
print(len(rows), "points")
