#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Training steps of the layers of models/Suite.def: a table.

Compiles every layer for a machine with its arguments in DRAM, in slices where
it does not fit, once for ideal DRAM and once for that of the machine (option
dram= of the pipeline), and simulates each program with the DRAM that it is for:
cycles, the roofline limit (multiply-adds, DRAM, chain), the share of it, what
binds, utilization, energy, and where the cycles went of every layer below 90 %
of its limit; with the means also the share of the bound that counts ragged
sizes, loads and drains, too (limit_cycles.array in a report). A
layer that is refused or takes too long is listed with the message; the others
go on. Geometric means at the end, apart for what compute and what DRAM binds.

  benchmarks/Layers/layer_suite.py --folder DIR [--layers TT_ATIS,...]
      [--tokens 1,32,128,2048] [--values] [--csv FILE] [--json FILE]

Without --tokens every layer has its usual batch. Results stay in the folder, a
result.json for each layer: a second call takes those that the same tools and
options have made (--fresh: none). Cycles and energy are modelled and do not
depend on the computer; seconds are processor time of fetta-opt alone, the least
of --repeat runs, and by pass those of the last run.

--values also runs the values of every step and compares them with float64 within
the bound of their roundings (check_step_values.py), together with those of the
native run where that takes seconds; with --reference also bit for bit with the
scalar reference (small batches only: it is slow).
"""

import argparse
import csv
import hashlib
import json
import math
import os
import pathlib
import re
import resource
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "models"))
sys.dont_write_bytecode = True

import suite  # noqa: E402

DRAM_MODELS = ("ideal", "bandwidth")
# Multiply-adds of a phase up to which values are compared with the native run,
# too: some seconds.
NATIVE_WORK = 1e9


def run(*command, **options):
    return subprocess.run([str(part) for part in command], capture_output=True,
                          text=True, check=False, **options)


def need(done):
    if done.returncode:
        sys.exit(f"{' '.join(done.args)}\n{done.stdout}{done.stderr}")
    return done.stdout


class Failure(Exception):
    """A step of a layer did not succeed; the message goes into the table."""


class Tools:
    """The binaries of a build, each run limited in time and memory."""

    def __init__(self, options):
        self.bin, self.timeout = options.bin, options.timeout
        self.environment = dict(os.environ, PYTHONPATH=str(ROOT / "python"),
                                PYTHONDONTWRITEBYTECODE="1",
                                OPENBLAS_NUM_THREADS="1")
        self.bytes = int(options.memory * 2**30)

    def __call__(self, name, *arguments):
        """Returns the process and the processor seconds it took."""
        def limit():
            resource.setrlimit(resource.RLIMIT_AS, (self.bytes, self.bytes))
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        try:
            done = run(self.bin / name if "/" not in str(name) else name,
                       *arguments, timeout=self.timeout, preexec_fn=limit,
                       env=self.environment)
        except subprocess.TimeoutExpired:
            raise Failure(f"{pathlib.Path(name).name}: stopped after "
                          f"{self.timeout:g} s") from None
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode:
            error = re.search(r"error: (.*)", done.stdout + done.stderr)
            said = (done.stdout + done.stderr).strip().splitlines()
            raise Failure(error[1] if error else
                          f"{pathlib.Path(name).name}: exit code "
                          f"{done.returncode}{': ' + said[-1] if said else ''}")
        return done, sum(getattr(after, kind) - getattr(before, kind)
                         for kind in ("ru_utime", "ru_stime"))


def fingerprint(options):
    """What results depend on: the tools, the machine, and how they are called."""
    digest = hashlib.sha256()
    for path in (*(options.bin / tool for tool in
                   ("fetta-opt", "fetta-translate", "fetta-sim")),
                 options.machine, ROOT / "models/Suite.def", __file__):
        digest.update(pathlib.Path(path).read_bytes())
    digest.update(repr((options.slices, options.passes,
                        options.dram)).encode())
    return digest.hexdigest()[:16]


def compile_step(tools, folder, dram, options):
    """Figures of the compiler; leaves P.mlir and P.fbin in the folder."""
    passes = (f"machine={options.machine} memory=dram slices={options.slices} "
              f"dram={dram} {options.passes}")
    seconds = []
    for _ in range(options.repeat):
        done, taken = tools("fetta-opt", folder / "m.mlir",
                            f"--fetta-compile-training={passes}",
                            "--mlir-timing", "--mlir-timing-display=list",
                            "-o", folder / "P.mlir")
        seconds.append(taken)
    by_pass = {}
    for line in done.stderr.splitlines():
        entry = re.match(r" +([\d.]+) +\( *[\d.]+%\) +(.*\S)$", line)
        if entry and float(entry[1]):
            by_pass[entry[2]] = float(entry[1])
    tools("fetta-translate", "--fetta-to-binary", folder / "P.mlir", "-o",
          folder / "P.fbin")
    text = (folder / "P.mlir").read_text()
    if "fetta.repeat" in text:
        # What reads it, here and below, reads it written out.
        tools("fetta-opt", folder / "P.mlir", "--fetta-unroll-repeats",
              "-o", folder / "P.mlir")
        text = (folder / "P.mlir").read_text()
    signature = text[text.index("func.func"):]
    argument = re.search(r"%\w+", signature)[0]
    return {"compile_seconds": min(seconds), "seconds_by_pass": by_pass,
            "contractions": text.count(" fetta.contract "),
            "slices": max(1, len(re.findall(rf"fetta\.load {argument} at",
                                            text)))}


def largest(losses, cycles):
    """The three largest of some cycles by name, as text."""
    top = sorted(((count, name) for name, count in losses.items()), reverse=True)
    return ", ".join(f"{name} {100 * count / cycles:.1f} %"
                     for count, name in top[:3] if count >= 0.005 * cycles)


def reason(summary):
    """Why a step stays below its limit: the classes of the array's queue that
    are no beats, PEs without work in beats, and, where DRAM binds, the cycles of
    the link without a transfer."""
    queue = dict(summary["resources"]["contract"]["cycles_by_class"])
    queue["PEs without work in beats"] = (
        queue.pop("beat", 0) - summary["utilization"] * summary["cycles"])
    text = largest(queue, summary["cycles"])
    if summary["binding_limit"] == "dram":
        link = dict(summary["resources"]["dram"]["cycles_by_class"])
        for kind in ("load", "store"):
            link.pop(kind, None)
        text += f"; link: {largest(link, summary['cycles'])}"
    return text


def roofline(limits):
    """The largest limit but that of the array, which counts ragged sizes, loads
    and drains of the contractions that were compiled."""
    return max(limits[name] for name in ("compute", "dram", "critical_path"))


def simulate(tools, folder, dram, *arguments):
    report = folder / f"report-{dram}"
    tools("fetta-sim", "run", folder / "P.fbin", *arguments, "--report", report,
          "--trace-limit", 1, "--quiet", f"--dram={dram}")
    summary = json.loads((report / "summary.json").read_text())
    keys = ("cycles", "macs", "utilization", "limit_cycles", "binding_limit",
            "dram_bytes", "energy_pj", "static_energy_pj")
    return {**{key: summary[key] for key in keys},
            "share_of_limit": (roofline(summary["limit_cycles"])
                               / summary["cycles"]),
            "share_of_bound": summary["share_of_limit"],
            "phases": {phase: {key: figures[key] for key in
                               ("macs", "cycles", "utilization")}
                       for phase, figures in summary["phases"].items()},
            "reason": reason(summary)}


def check_values(tools, folder, options, runs_natively):
    """Runs the values on positive inputs and on such with signs and compares
    them; the text says what agrees."""
    said = []
    for kind, choice in (("positive", ["--positive"]), ("signed", [])):
        inputs, outputs = folder / "inputs", folder / "outputs"
        tools(sys.executable, "-m", "fetta", "example-inputs", folder / "m.mlir",
              "--gradients", *choice, "--outputs", inputs)
        start = time.perf_counter()
        tools("fetta-sim", "run", folder / "P.fbin", "--inputs", inputs,
              "--outputs", outputs, "--quiet", "--dram=ideal")
        seconds = time.perf_counter() - start
        arrays = ["--inputs", inputs, "--actual", outputs]
        native = []
        if runs_natively and kind == "positive":
            native = ["--native", folder / "native"]
            tools("fetta-run", folder / "m.mlir", "--training", "--inputs",
                  inputs, "--outputs", folder / "native")
        done, _ = tools(sys.executable,
                        ROOT / "test/python/check_step_values.py",
                        folder / "m.mlir", folder / "P.mlir", *arrays, *native,
                        "--fetta-path", tools.bin / "fetta-path")
        said += [f"{kind}: {line}" for line in done.stdout.splitlines()
                 if " arrays " in line]
        said[-1] += f" (simulated in {seconds:.1f} s)"
    if options.reference:
        done, _ = tools(sys.executable,
                        ROOT / "test/python/scalar_reference.py",
                        folder / "P.mlir", *arrays)
        said.append(done.stdout.strip())
    return "; ".join(said)


def measure(name, layer, usual_tokens, tools, options, key):
    """All figures of one layer, from the folder if it has them."""
    folder = options.folder / f"{name}-{layer.tokens}"
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / "result.json"
    wanted = f"{key}{' values' if options.values else ''}" \
             f"{' reference' if options.reference else ''}"
    if kept.exists() and not options.fresh:
        result = json.loads(kept.read_text())
        if result["key"] == wanted:
            return result
    result = {"key": wanted, "layer": name, "tokens": layer.tokens}
    command = f"models/generate.py --suite {name} --tokens {layer.tokens}"
    (folder / "m.mlir").write_text(suite.module(layer, command))
    try:
        # Values are those of the last one.
        for dram in sorted(options.dram.split(","), key=DRAM_MODELS.index):
            compiled = compile_step(tools, folder, dram, options)
            start = time.perf_counter()
            result[dram] = {**compiled, **simulate(tools, folder, dram,
                                                   "--timing-only")}
            result[dram]["simulation_seconds"] = time.perf_counter() - start
        if options.values:
            work = layer.optimum * layer.tokens / usual_tokens
            result["values"] = check_values(tools, folder, options,
                                            work <= NATIVE_WORK)
    except Failure as failure:
        result["failed"] = str(failure)
    part = kept.with_suffix(".part")
    part.write_text(json.dumps(result, indent=1))
    part.replace(kept)
    return result


def percent(share):
    return f"{100 * share:.1f} %"


def row(result):
    """A line of the table."""
    cells = [result["layer"], f"{result['tokens']:,}"]
    for dram in DRAM_MODELS:
        if dram not in result:
            cells += [""] * (3 if dram == "ideal" else 6)
            continue
        entry = result[dram]
        cells += [entry["slices"]]
        if dram == "bandwidth":
            cells += [f"{entry['contractions']:,}",
                      f"{entry['compile_seconds']:.2f}"]
        cells += [f"{entry['cycles']:,}"]
        if dram == "bandwidth":
            cells += [entry["binding_limit"]]
        cells += [percent(entry["share_of_limit"])]
    said = [f"ideal: {entry['reason']}" if dram == "ideal" else
            f"machine: {entry['reason']}" for dram in DRAM_MODELS
            if (entry := result.get(dram)) and entry["share_of_limit"] < 0.9]
    if "failed" in result:
        said.append(result["failed"])
    cells.append("; ".join(said))
    return "| " + " | ".join(map(str, cells)) + " |"


def mean(values):
    values = list(values)
    if not values:
        return "-"
    return percent(math.exp(sum(map(math.log, values)) / len(values)))


def print_means(results):
    """Geometric means over the layers that ran, for each DRAM model."""
    for dram, title in (("ideal", "ideal DRAM"),
                        ("bandwidth", "DRAM of the machine")):
        entries = [r[dram] for r in results if dram in r]
        if not entries:
            continue
        text = (f"Geometric means over {len(entries)} of {len(results)}, {title}: "
                f"share of the limit {mean(e['share_of_limit'] for e in entries)}"
                f", of the bound {mean(e['share_of_bound'] for e in entries)}"
                f", utilization {mean(e['utilization'] for e in entries)}")
        for kind in sorted({entry["binding_limit"] for entry in entries}):
            these = [e for e in entries if e["binding_limit"] == kind]
            text += (f"; bound by {kind} ({len(these)}): share of the limit "
                     f"{mean(entry['share_of_limit'] for entry in these)}")
        print(f"\n{text}.")


def print_utilization(results, batches):
    """Utilization with ideal DRAM, a column for each number of tokens."""
    table = {}
    for result in results:
        table.setdefault(result["layer"], {})[result["tokens"]] = result
    print("| layer | " + " | ".join(f"{count:,}" for count in batches) + " |")
    print("|---" * (len(batches) + 1) + "|")
    for name, entries in table.items():
        print("| " + " | ".join([name] + [
            percent(entries[count]["ideal"]["utilization"])
            if "ideal" in entries[count] else "-" for count in batches]) + " |")
    for what in ("utilization", "share_of_limit", "share_of_bound"):
        print(f"| {what.replace('_', ' ')}, geometric mean | " + " | ".join(
            mean(r["ideal"][what] for r in results
                 if r["tokens"] == count and "ideal" in r)
            for count in batches) + " |")


def write_csv(results, path):
    keys = ["layer", "tokens"]
    models = ["slices", "contractions", "compile_seconds", "cycles", "macs",
              "utilization", "binding_limit", "share_of_limit",
              "share_of_bound", "dram_bytes", "reason"]
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(keys + [f"{dram}_{key}" for dram in DRAM_MODELS
                                for key in models + ["limit_cycles",
                                                     "energy_pj"]]
                        + ["values", "failed"])
        for result in results:
            cells = [result.get(key, "") for key in keys]
            for dram in DRAM_MODELS:
                entry = result.get(dram)
                cells += [entry[key] for key in models] + [
                    roofline(entry["limit_cycles"]),
                    entry["energy_pj"]["nominal"]] if entry else \
                    [""] * (len(models) + 2)
            writer.writerow(cells + [result.get("values", ""),
                                     result.get("failed", "")])


def parse_options():
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--folder", type=pathlib.Path, required=True)
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / "build/bin")
    parser.add_argument("--machine", type=pathlib.Path,
                        default=ROOT / "machines/fetta-edge.yaml")
    parser.add_argument("--layers", help="names, separated by commas")
    parser.add_argument("--tokens", type=lambda text:
                        [int(part) for part in text.split(",")],
                        help="one or more numbers, for every layer")
    parser.add_argument("--slices", default="auto")
    parser.add_argument("--dram", default=",".join(DRAM_MODELS),
                        help="models of the DRAM to simulate")
    parser.add_argument("--passes", default="", metavar="OPTIONS",
                        help="more options of --fetta-compile-training")
    parser.add_argument("--repeat", type=int, default=1,
                        help="runs of the compiler")
    parser.add_argument("--values", action="store_true",
                        help="compare values with float64")
    parser.add_argument("--reference", action="store_true",
                        help="and with the scalar reference")
    parser.add_argument("--timeout", type=float, default=900,
                        help="seconds for each run of a tool")
    parser.add_argument("--memory", type=float, default=12, metavar="GIB",
                        help="address space of each run of a tool")
    parser.add_argument("--fresh", action="store_true",
                        help="measure again what the folder has")
    parser.add_argument("--csv", type=pathlib.Path)
    parser.add_argument("--json", type=pathlib.Path)
    options = parser.parse_args()
    options.values |= options.reference
    for path in ("folder", "bin", "machine"):
        setattr(options, path, getattr(options, path).resolve())
    return parser, options


def main():
    parser, options = parse_options()
    layers = suite.load()
    names = options.layers.split(",") if options.layers else list(layers)
    for name in names:
        if name not in layers:
            parser.error(f"no layer '{name}' in the suite; it has "
                         f"{', '.join(layers)}")
    key, tools = fingerprint(options), Tools(options)
    chosen = [layers[name].with_tokens(count) if count else layers[name]
              for count in options.tokens or [None] for name in names]
    print("| layer | tokens | ideal DRAM: slices | cycles | share of the limit "
          "| machine DRAM: slices | contractions | compile s | cycles | binds | "
          "share of the limit | below 90 % because of |")
    print("|---" * 12 + "|", flush=True)
    results = []
    for number, layer in enumerate(chosen, 1):
        print(f"[{number}/{len(chosen)}] {layer.name}, {layer.tokens} tokens",
              file=sys.stderr, flush=True)
        results.append(measure(layer.name, layer, layers[layer.name].tokens,
                               tools, options, key))
        print(row(results[-1]), flush=True)
        if "values" in results[-1]:
            print(f"    {results[-1]['values']}", file=sys.stderr, flush=True)
    print_means(results)
    if options.tokens and len(options.tokens) > 1:
        print()
        print_utilization(results, options.tokens)
    if options.csv:
        write_csv(results, options.csv)
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n")
    return 1 if any("failed" in result for result in results) else 0


if __name__ == "__main__":
    os.nice(5)
    sys.exit(main())
