# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Checks the three files of a report for what users rely on."""

import csv
import json
import pathlib
import sys

report = pathlib.Path(sys.argv[1])
summary = json.loads((report / "summary.json").read_text())
cycles = summary["cycles"]
assert summary["schema_version"] == 1
assert set(summary) == {
    "schema_version", "cycles", "macs", "utilization", "limit_cycles", "binding_limit",
    "share_of_limit", "dram_bytes", "dram_model", "energy_pj", "static_power_mw", "static_energy_pj", "phases",
    "resources", "counters", "energy_events", "static_components", "energy_table", "machine", "machine_fingerprint",
    "clock_hz", "producer"}
assert set(summary["limit_cycles"]) == {"compute", "array", "dram", "critical_path"}
assert set(summary["phases"]) == {"fp", "bp", "wg"}
assert summary["dram_bytes"] == 0
energy = summary["energy_pj"]
assert energy["low"] <= energy["nominal"] <= energy["high"]
names = ["contract", "stream", "hold", "reduce", "stream-routes", "hold-routes", "reduce-routes",
         "accumulator0", "accumulator1", "load", "store", "vector", "dram",
         "slab0", "slab1", "slab2", "slab3"]
assert sorted(summary["resources"]) == sorted(names)
for name, resource in summary["resources"].items():
    classes = resource["cycles_by_class"]
    assert sum(classes.values()) == resource["cycles"] == cycles, name
    assert all(value > 0 for value in classes.values()), name
    assert "other" not in classes
assert sum(phase["cycles"] for phase in summary["phases"].values()) == cycles
for name in ("nominal", "low", "high"):
    parts = sum(phase["energy_pj"][name] for phase in summary["phases"].values())
    assert abs(parts - energy[name]) <= 1e-9 * energy[name], name
for phase in summary["phases"].values():
    assert sum(phase["cycles_by_class"].values()) == phase["cycles"]
assert sum(phase["macs"] for phase in summary["phases"].values()) == summary["macs"]
share = max(summary["limit_cycles"].values()) / cycles
assert abs(share - summary["share_of_limit"]) < 1e-12 and share <= 1
# Dynamic energy is the sum over the events.
total = sum(e["energy_pj"]["nominal"] for e in summary["energy_events"].values())
assert abs(total - energy["nominal"]) <= 1e-9 * total

with (report / "ops.csv").open(newline="") as file:
    rows = list(csv.DictReader(file))
assert len(rows) == 1 and int(rows[0]["macs"]) == summary["macs"]
parts = [key for key in rows[0] if key.endswith("_cycles")]
assert sum(int(rows[0][part]) for part in parts) == cycles

trace = json.loads((report / "trace.json").read_text())
assert isinstance(trace["traceEvents"], list)
events = [e for e in trace["traceEvents"] if e["ph"] == "X"]
threads = {e["tid"] for e in trace["traceEvents"] if e["name"] == "thread_name"}
for event in events:
    assert {"name", "cat", "pid", "tid", "ts", "dur"} <= set(event), event
    assert event["ts"] >= 0 and event["dur"] > 0 and event["tid"] in threads, event
# Nothing overlaps within a thread.
for thread in threads:
    spans = sorted((e["ts"], e["ts"] + e["dur"]) for e in events if e["tid"] == thread)
    assert all(a[1] <= b[0] for a, b in zip(spans, spans[1:])), thread
# A track per resource; the cycles of the queue that are in the trace are all.
names = {e["tid"]: e["args"]["name"] for e in trace["traceEvents"] if e["name"] == "thread_name"}
assert sorted(names.values()) == sorted(summary["resources"])
for thread, name in names.items():
    classes = summary["resources"][name]["cycles_by_class"]
    spent = sum(e["dur"] for e in events if e["tid"] == thread)
    if not name.startswith("slab"):
        assert spent == cycles - classes.get("idle-no-work", 0), name
    else:
        assert spent >= sum(classes.values()) - classes.get("idle-no-work", 0), name
assert max(e["ts"] + e["dur"] for e in events) == cycles
assert trace["otherData"]["clock_hz"] == summary["clock_hz"]
assert trace["otherData"]["intervals"] == len(events)
assert trace["otherData"]["cut_intervals"] == 0
