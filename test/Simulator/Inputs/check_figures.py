# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Works out energy, static power and limits of a report again, from its
counters, the machine file and the energy table: check_figures.py REPORT
MACHINE.yaml TABLE.yaml"""

import json
import math
import pathlib
import re
import sys


def machine_values(path):
    """`key: {value: V, source: S}`, a line each."""
    values = {}
    for line in path.read_text().splitlines():
        if match := re.match(r"(\w+): \{value: ([\w.-]+),", line):
            word = match[2]
            values[match[1]] = int(word) if word.isdigit() else word
    return values


def table_entries(path):
    """Two levels of indentation: entry, then its value, low and high."""
    entries, current = {}, None
    for line in path.read_text().splitlines():
        if match := re.match(r"  (\w+):$", line):
            current = entries.setdefault(match[1], {})
        elif match := re.match(r"    (value|low|high): ([\d.eE+-]+)$", line):
            current[match[1]] = float(match[2])
    return entries


def close(a, b):
    return math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-9)


report, machine_path, table_path = map(pathlib.Path, sys.argv[1:])
summary = json.loads((report / "summary.json").read_text())
machine, table = machine_values(machine_path), table_entries(table_path)
assert len(table) == 18, sorted(table)

engines, rows, columns = (machine[k] for k in ("contraction_engines", "pe_rows", "pe_columns"))
lanes = engines * max(rows, columns)
bits = lanes.bit_length() - 1
stages = 2 * bits - 1 if machine["networks"] == "benes" else bits
pes = engines * rows * columns

n = summary["counters"]
events = {
    "multiply_bf16": n["multiply_adds"],
    "add_fp32_column": n["column_adds"],
    "add_fp32_reduction": n["network_adds"],
    "add_fp32_accumulator": n["accumulator_adds"],
    "switch_stage_16bit": (n["stream_words"] + n["hold_words"]) * stages,
    "switch_stage_32bit": n["reduce_words"] * stages,
    "memory_macro_read": n["macro_reads"],
    "memory_macro_write": n["macro_writes"],
    "accumulator_read_word": n["accumulator_reads"],
    "accumulator_write_word": n["accumulator_writes"],
    "route_store_read_byte": n["active_route_bytes"],
    "route_store_load_byte": n["route_bytes"],
    "instruction_fetch_byte": n["instruction_bytes"],
    "dram_transfer_byte": summary["dram_bytes"],
}
static = {
    "static_pe": pes,
    "static_switch": 3 * stages * lanes // 2,
    "static_memory_macro": machine["slabs"] * -(-lanes // 16) * -(-machine["rows_per_slab"] // 2048),
    "static_accumulator_kib": -(-2 * machine["accumulator_rows"] * lanes * 4 // 1024),
}
assert set(events) | set(static) == set(table)
assert set(summary["energy_events"]) == set(events)
for key, count in events.items():
    assert summary["energy_events"][key]["count"] == count, key
for ours, theirs in (("nominal", "value"), ("low", "low"), ("high", "high")):
    energy = sum(count * table[key][theirs] for key, count in events.items())
    power = sum(count * table[key][theirs] for key, count in static.items())
    assert close(summary["energy_pj"][ours], energy), (ours, energy)
    assert close(sum(p["energy_pj"][ours] for p in summary["phases"].values()), energy)
    assert close(summary["static_power_mw"][ours], power), (ours, power)
    # 1 mW is 1 pJ a nanosecond.
    leaked = power * summary["cycles"] * 1000 / machine["clock_mhz"]
    assert close(summary["static_energy_pj"][ours], leaked), (ours, leaked)

# One contraction in one instruction: a route of two bits a switch, a load, its
# share of peak (more where modes are ragged), the pipeline, a row.
route = -(-(-(-stages * lanes // 8)) // machine["route_bytes_per_cycle"])
at_peak = -(-n["multiply_adds"] // pes)
pipeline = (machine["memory_read_cycles"]
            + -(-stages // machine["switch_stages_per_cycle"])
            + machine["multiply_cycles"]
            + rows * machine["column_add_cycles"]
            + bits * machine["reduction_add_cycles"]
            + -(-(stages - bits) // machine["switch_stages_per_cycle"])
            + max(machine["accumulate_cycles"], machine["fp32_add_distance_cycles"])
            + machine["convert_write_cycles"])
limits = summary["limit_cycles"]
assert limits["compute"] == at_peak and limits["dram"] == 0
least = route + 1 + at_peak + pipeline + 1
assert least <= limits["array"] <= limits["critical_path"] <= summary["cycles"], (least, limits)
assert summary["binding_limit"] == "critical_path"
assert summary["resources"]["contract"]["cycles_by_class"]["fill"] == pipeline
assert close(summary["utilization"], n["multiply_adds"] / (pes * summary["cycles"]))
