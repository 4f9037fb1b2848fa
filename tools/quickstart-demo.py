#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compiles and simulates training steps and prints what they cost.

The commands are those a user would type (with --verbose they are shown):

  fetta-opt M.mlir --fetta-compile-training="machine=FILE order=csse" -o P.mlir
  fetta-translate --fetta-to-binary P.mlir -o P.fbin
  fetta-sim run P.fbin --inputs DIR --outputs DIR --report DIR
  fetta-run M.mlir --training --inputs DIR --outputs DIR
"""

import argparse
import concurrent.futures
import os
import pathlib
import shlex
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "python"))

import fetta  # noqa: E402  (from the source tree)

FEATURES = 768
TOKENS = (1, 32, 256, 4096)
ORDERS = ("csse", "btt", "right-to-left")
MOST_TOKENS_IN_ALL_ORDERS = 256  # Beyond, the searched order alone.
PHASES = ("fp", "bp", "wg")
# Sums in another order may round to a neighbour in bfloat16, step after step.
TOLERANCE = 2.0 ** -6


class Demo:
    def __init__(self, options):
        self.bin = options.build.resolve() / "bin"
        self.outputs = options.outputs
        self.machine = options.machine
        self.verbose = options.verbose

    def run(self, *command):
        """Runs one of our tools; its message is the error."""
        command = [str(part) for part in command]
        if self.verbose:
            print("$ " + shlex.join(command))
        done = subprocess.run([str(self.bin / command[0])] + command[1:],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if done.returncode != 0:
            sys.exit(f"{shlex.join(command)}\nended with {done.returncode}:\n"
                     f"{done.stderr.strip()}")

    def training_step(self, model, order, folder, machine=None):
        """Compiles, simulates and runs natively one training step. Returns the
        summary of the report without limits of DRAM, for each phase the largest
        deviation from the native run, and the summary with the machine's DRAM."""
        folder.mkdir(parents=True, exist_ok=True)
        signature = fetta.parse_signature(model.read_text())
        gradients = [fetta.Array("d_" + result.name, result.shape, result.element)
                     for result in signature.results]
        inputs = fetta.example_inputs([*signature.arguments, *gradients])
        fetta.save_arrays(folder / "inputs", inputs)
        mapped, program = folder / "program.mlir", folder / "program.fbin"
        self.run("fetta-opt", model,
                 f"--fetta-compile-training=machine={machine or self.machine} order={order}",
                 "-o", mapped)
        self.run("fetta-translate", "--fetta-to-binary", mapped, "-o", program)
        for dram, report in (("ideal", "report-ideal"), ("bandwidth", "report")):
            self.run("fetta-sim", "run", program, "--inputs", folder / "inputs",
                     "--outputs", folder / "outputs", "--report", folder / report,
                     f"--dram={dram}")
        self.run("fetta-run", model, "--training", f"--order={order}",
                 "--inputs", folder / "inputs", "--outputs", folder / "native")
        simulated = fetta.load_arrays(folder / "outputs")
        native = fetta.load_arrays(folder / "native")
        if sorted(simulated) != sorted(native):
            sys.exit(f"{folder}: results {sorted(simulated)}; natively {sorted(native)}")
        parameters = {"d_" + argument.name for argument in signature.arguments
                      if argument.role == "param"}
        worst = dict.fromkeys(PHASES, 0.0)
        for name, array in native.items():
            phase = ("wg" if name in parameters else
                     "bp" if name.startswith("d_") else "fp")
            worst[phase] = max(worst[phase], fetta.deviation(simulated[name], array))
        if max(worst.values()) > TOLERANCE:
            sys.exit(f"{folder}: simulated and native results differ by "
                     f"{max(worst.values()):.2g} of the largest value")
        return (fetta.read_summary(folder / "report-ideal"), worst,
                fetta.read_summary(folder / "report"))


def table(rows):
    """Prints rows of texts, the first two columns to the left."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        cells = [cell.ljust(width) if i < 2 else cell.rjust(width)
                 for i, (cell, width) in enumerate(zip(row, widths))]
        print(("  " + "  ".join(cells)).rstrip())


def summary_rows(label, summary, worst):
    """A line for each phase, then the whole step."""
    rows = []
    for phase in (*PHASES, None):
        part = summary["phases"][phase] if phase else summary
        if phase:
            beats = part["beats"]
        else:
            beats = sum(summary["phases"][name]["beats"] for name in PHASES)
        rows.append([label if phase == PHASES[0] else "", phase or "step",
                     f"{part['macs']:,}", f"{beats:,}", f"{part['cycles']:,}",
                     f"{100 * part['utilization']:.1f} %",
                     f"{part['energy_pj']['nominal'] / 1e6:.2f}",
                     f"{worst[phase] if phase else max(worst.values()):.1e}"])
    return rows


BINDS = {"compute": "multiply-adds", "dram": "DRAM bandwidth",
         "critical_path": "dependent chain"}


def dram_rows(ideal, bandwidth):
    """Cycles against the roofline, without and with the machine's DRAM."""
    rows = [["DRAM", "what binds", "cycles", "limit", "share", "utilization", "bytes"]]
    for label, summary in (("ideal", ideal), ("default", bandwidth)):
        limits = summary["limit_cycles"]
        limit = max(limits.values())
        # Where one array for all contractions takes more than their products.
        binds = "the array" if limit == limits.get("array") else BINDS[summary["binding_limit"]]
        rows.append([label, binds, f"{summary['cycles']:,}",
                     f"{limit:,}", f"{100 * summary['share_of_limit']:.1f} %",
                     f"{100 * summary['utilization']:.1f} %",
                     f"{summary['dram_bytes']:,}"])
    return rows


HEAD = ["order", "phase", "multiply-adds", "beats", "cycles", "utilization",
        "energy uJ", "deviation"]


def gain(name, best, other):
    def compare(key, more, fewer):
        ratio = other[key] / best[key]
        if ratio >= 1.005:
            return f"{ratio:.2f}x {more}"
        return f"{1 / ratio:.2f}x {fewer}" if ratio <= 0.995 else None
    parts = [part for part in (compare("macs", "the multiply-adds", "fewer multiply-adds"),
                               compare("cycles", "the cycles", "fewer cycles")) if part]
    return f"{name} takes " + (" and ".join(parts) if parts else "just as much")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("--outputs", type=pathlib.Path,
                        default=ROOT / "build" / "quickstart-out")
    parser.add_argument("--machine", type=pathlib.Path,
                        default=ROOT / "machines" / "fetta-edge.yaml")
    parser.add_argument("--tokens", type=int, nargs="+", default=TOKENS, metavar="N")
    parser.add_argument("--verbose", action="store_true", help="show the commands")
    options = parser.parse_args()
    demo = Demo(options)
    start = time.monotonic()

    models = {}
    for tokens in options.tokens:
        folder = options.outputs / f"tt-{tokens}-tokens"
        folder.mkdir(parents=True, exist_ok=True)
        models[tokens] = folder / "model.mlir"
        with models[tokens].open("w") as file:
            subprocess.run([sys.executable, str(ROOT / "models" / "generate.py"),
                            "--tokens", str(tokens)], stdout=file, check=True)
    ring = ROOT / "models" / "tr-linear-einsum.mlir"

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        steps = {(tokens, order): pool.submit(demo.training_step, models[tokens], order,
                                              models[tokens].parent / order)
                 for tokens in sorted(options.tokens, reverse=True)
                 for order in ORDERS
                 if order == "csse" or tokens <= MOST_TOKENS_IN_ALL_ORDERS}
        middle = sorted(options.tokens)[(len(options.tokens) - 1) // 2]
        single = pool.submit(demo.training_step, models[middle], "csse",
                             models[middle].parent / "butterfly",
                             ROOT / "machines" / "fetta-edge-butterfly.yaml")
        ring_step = pool.submit(demo.training_step, ring, "csse",
                                options.outputs / "tr-einsum")

    print(f"Training step (forward, input gradient, gradient of every core) of a tensor-\n"
          f"train layer {FEATURES}x{FEATURES}, output modes (12, 8, 8), input modes (8, 8, 12),\n"
          f"rank 12, on {options.machine.stem}. Deviation: largest difference from the native\n"
          f"run of the same order, relative to the largest value of the array. Cycles and\n"
          f"energy are modelled; they are for ideal DRAM where nothing else is said. Limit:\n"
          f"the largest of multiply-adds at peak, bytes at full bandwidth, and the longest\n"
          f"dependent chain.")
    for tokens in options.tokens:
        dense = 3 * tokens * FEATURES * FEATURES
        print(f"\n{tokens} token{'s' if tokens > 1 else ''} "
              f"(the dense layer takes {dense:,} multiply-adds)")
        results = {order: steps[tokens, order].result() for order in ORDERS
                   if (tokens, order) in steps}
        rows = [HEAD]
        for order, (summary, worst, _) in results.items():
            rows += summary_rows(order, summary, worst)
        table(rows)
        best, _, bandwidth = results["csse"]
        print("\n".join([f"  searched order: {dense / best['macs']:.1f}x fewer "
                         f"multiply-adds than the dense layer"] +
                        [f"  {gain(order, best, results[order][0])}"
                         for order in ORDERS[1:] if order in results]))
        table(dram_rows(best, bandwidth))

    benes, butterfly = steps[middle, "csse"].result()[0], single.result()[0]
    print(f"\nOn fetta-edge-butterfly, whose networks are single butterflies instead of two\n"
          f"back to back (Benes), the searched order at {middle} tokens takes "
          f"{butterfly['cycles']:,} cycles,\n{butterfly['cycles'] / benes['cycles']:.2f}x as "
          f"many: what cannot pass is split over beats, same values.")

    print("\nTensor-ring layer 256x256, written as a plain tnn.einsum "
          "(models/tr-linear-einsum.mlir), 32 tokens")
    table([HEAD] + summary_rows("csse", *ring_step.result()[:2]))

    report = models[middle].parent / "csse" / "report"
    print(f"\nReports:  {os.path.relpath(report)}/summary.json and ops.csv, and so for each run")
    print(f"Trace:    {os.path.relpath(report)}/trace.json (open it in ui.perfetto.dev)")
    print(f"Programs: {os.path.relpath(report.parent)}/program.mlir and program.fbin")
    print(f"{time.monotonic() - start:.1f} s for {len(steps) + 2} training steps")


if __name__ == "__main__":
    main()
