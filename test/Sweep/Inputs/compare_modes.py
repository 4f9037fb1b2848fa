# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compares the rows of a scheduled sweep with those of the cost model, or one
row with the summary of a run: compare_modes.py SCHEDULED.csv MODEL.csv|SUMMARY"""

import csv
import json
import math
import sys


def rows(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


scheduled = rows(sys.argv[1])
if sys.argv[2].endswith(".json"):
    summary = json.load(open(sys.argv[2]))
    row, = scheduled
    assert int(row["cycles"]) == summary["cycles"]
    assert int(row["macs"]) == summary["macs"]
    assert int(row["dram_bytes"]) == summary["dram_bytes"]
    assert int(row["array_limit_cycles"]) == summary["limit_cycles"]["array"]
    assert int(row["critical_path_cycles"]) == summary["limit_cycles"]["critical_path"]
    for column, key in (("dynamic_energy_pj", "energy_pj"), ("static_energy_pj", "static_energy_pj")):
        assert math.isclose(float(row[column]), summary[key]["nominal"], rel_tol=1e-8), key
    sys.exit()
model = rows(sys.argv[2])
assert len(model) == len(scheduled)
for real, closed in zip(scheduled, model):
    assert real["status"] == closed["status"], (real, closed)
    if real["status"] != "ok":
        assert real["reason"] and closed["reason"]
        continue
    # What no schedule changes is the same; the rest is close.
    for key in ("macs", "dram_bytes", "compute_limit_cycles", "array_limit_cycles", "dram_limit_cycles",
                "critical_path_cycles", "area_mm2"):
        assert real[key] == closed[key], (key, real[key], closed[key])
    for key, share in (("cycles", 0.10), ("dynamic_energy_pj", 0.02)):
        a, b = float(real[key]), float(closed[key])
        assert abs(a - b) <= share * a, (key, a, b)
