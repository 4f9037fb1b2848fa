# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Works out the energy ranking of two reports again, from their counts and the
tables: check_ranking.py REPORT_A TABLE_A.yaml REPORT_B TABLE_B.yaml DIFF.json.
The extremes are found by trying both ends of every entry in turn, which finds
the extreme of a linear function wherever it starts."""

import json
import math
import pathlib
import re
import sys


def table_entries(path):
    entries, current = {}, None
    for line in pathlib.Path(path).read_text().splitlines():
        if match := re.match(r"  (\w+):$", line):
            current = entries.setdefault(match[1], {})
        elif match := re.match(r"    (value|low|high): ([\d.eE+-]+)$", line):
            current[match[1]] = float(match[2])
    return entries


def counts(report, static):
    summary = json.loads((pathlib.Path(report) / "summary.json").read_text())
    result = {k: e["count"] for k, e in summary["energy_events"].items()}
    nanoseconds = summary["cycles"] * 1e9 / summary["clock_hz"]
    for key, component in summary["static_components"].items():
        result[key] = component["instances"] * nanoseconds * static
    return result


def extreme(a, table_a, b, table_b, better):
    shared = {k for k in table_a if table_a[k] == table_b[k]}
    values = {(side, k): "low" for side in "ab" for k in table_a}

    def difference():
        total = 0.0
        for k in table_a:
            total += b[k] * table_b[k][values["b", k]]
            total -= a[k] * table_a[k][values["b" if k in shared else "a", k]]
        return total

    for place in values:
        found = {}
        for end in ("low", "high"):
            values[place] = end
            found[end] = difference()
        values[place] = better(found, key=found.get)
    return difference()


report_a, table_a, report_b, table_b, diff = sys.argv[1:]
tables = table_entries(table_a), table_entries(table_b)
ranking = json.loads(pathlib.Path(diff).read_text())["energy_ranking"]
for kind, static in (("dynamic", 0), ("with_static", 1)):
    a, b = counts(report_a, static), counts(report_b, static)
    low = extreme(a, tables[0], b, tables[1], min)
    high = extreme(a, tables[0], b, tables[1], max)
    ours = ranking[kind]["difference_pj"]
    assert math.isclose(ours["low"], low, rel_tol=1e-9, abs_tol=1e-6), (kind, ours, low)
    assert math.isclose(ours["high"], high, rel_tol=1e-9, abs_tol=1e-6), (kind, ours, high)
    assert ranking[kind]["certain"] == (low > 0 or high < 0), kind
