#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Design points a second of one core, in cost-model mode.

Three sweeps of one layer (TT_ATIS of the suite, a whole training step): one in
which every point needs a mapping of its own, one in which sizes of memories
vary, which the mapper does not look at, and one in which the link to DRAM
varies. Time is the CPU time of the whole process, with reading, journal and
CSV; the best of some runs.

  benchmarks/Sweep/sweep_speed.py [--bin build/bin] [--tokens 32] [--runs 3]
"""

import argparse
import pathlib
import resource
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]

CASES = {
    "every point another mapping": """
vary:
  contraction_engines: 16..256 x2
  accumulator_rows: 32..256 x2
  memory_read_cycles: 1..4
zip:
  pe_rows: [2, 4, 8]
  pe_columns: [8, 4, 2]
""",
    "sizes of memories": """
vary:
  slabs: 4..13
  rows_per_slab: 1024..5023 +8
""",
    "link to DRAM": """
vary:
  dram_bytes_per_second: 1000000000..50900000000 +100000000
  dram_latency_cycles: 10..1000 +10
""",
}


def cpu_seconds(command):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        sys.exit(done.stderr)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / "build/bin")
    parser.add_argument("--tokens", type=int, default=32)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    print("| what varies | points | CPU s | points a second and core |")
    print("|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for title, axes in CASES.items():
            sweep = folder / "sweep.yaml"
            sweep.write_text(
                f"machine: {ROOT}/machines/fetta-edge.yaml\n"
                f"layer: {{suite: TT_ATIS, sizes: {{a: {options.tokens}}}}}\n{axes}")
            csv = folder / "sweep.csv"
            best = min(cpu_seconds([options.bin / "fetta-sim", "sweep", sweep, "--output",
                                    csv, "--fresh", "--jobs=1", "--no-table"])
                       for _ in range(options.runs))
            lines = csv.read_text().splitlines()[1:]
            if not all(",ok," in line for line in lines):
                sys.exit(f"{title}: points were refused")
            points = len(lines)
            print(f"| {title} | {points:,} | {best:.2f} | {points / best:,.0f} |", flush=True)


if __name__ == "__main__":
    main()
