#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Training steps of tensor-train layers at their usual batch: a table.

Compiles every layer for a machine with its arguments in DRAM, in as few slices
as fit, and simulates it with ideal DRAM and with that of the machine. Each line
says cycles, the roofline limit, the share of it, what binds, and, below 90 % of
the limit, where the cycles of the array's queue went. A layer that does not fit
is listed with the message that refuses it.

Shapes: UCF11 layers of Yang et al. 2017 (tensor-train RNNs), VGG-16's first
dense layer of Novikov et al. 2015, CoMERA's ATIS layers; 4096 x 4096 layers are
made up.

  benchmarks/Layers/layer_suite.py --folder /somewhere [--layers TT_ATIS,...]
      [--tokens N] [--check]

--tokens N takes N tokens everywhere. --check compares the values of every layer
with the scalar reference bit for bit (small batches only: it is slow).
"""

import argparse
import json
import pathlib
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]

# name: format, tokens, output modes, input modes, rank
LAYERS = {
    "TT_ATIS": ("tt", 1024, [12, 8, 8], [8, 8, 12], 12),
    "TTM_emb": ("ttm", 32, [12, 8, 8], [10, 10, 10], 30),
    "TTM_VGG": ("ttm", 32, [4] * 6, [2, 7, 8, 8, 7, 4], 4),
    "TT_UCF": ("tt", 128, [4] * 4, [8, 20, 20, 18], 4),
    "TTM_UCF": ("ttm", 128, [4] * 4, [8, 20, 20, 18], 4),
    "TT_4096_d4": ("tt", 2048, [8] * 4, [8] * 4, 16),
    "TT_4096_d6": ("tt", 2048, [4] * 6, [4] * 6, 32),
    "TTM_4096_d6": ("ttm", 2048, [4] * 6, [4] * 6, 32),
    "TT_4096_d8mix": ("tt", 512, [2, 2, 4, 4, 4, 2, 2, 4],
                      [4, 2, 2, 4, 4, 4, 2, 2], 8),
}


def run(*command, **options):
    return subprocess.run([str(part) for part in command], capture_output=True,
                          text=True, check=False, **options)


def need(done):
    if done.returncode:
        sys.exit(f"{' '.join(done.args)}\n{done.stdout}{done.stderr}")
    return done.stdout


def reason(summary):
    """The classes of the array's queue that are no beats, largest first."""
    queue = summary["resources"]["contract"]
    classes = {name: cycles for name, cycles in queue["cycles_by_class"].items()
               if name != "beat"}
    top = sorted(classes.items(), key=lambda entry: -entry[1])[:3]
    return ", ".join(f"{name} {100 * cycles / queue['cycles']:.1f} %"
                     for name, cycles in top if cycles)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=pathlib.Path, required=True)
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / "build/bin")
    parser.add_argument("--machine", type=pathlib.Path,
                        default=ROOT / "machines/fetta-edge.yaml")
    parser.add_argument("--layers", default=",".join(LAYERS))
    parser.add_argument("--tokens", type=int)
    parser.add_argument("--slices", default="auto")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    print("| layer | tokens | slices | contractions | compile s | DRAM | cycles | "
          "limit | share | binds | utilization | below 90 % because of |")
    print("|---|---|---|---|---|---|---|---|---|---|---|---|")
    for name in options.layers.split(","):
        form, tokens, out_modes, in_modes, rank = LAYERS[name]
        tokens = options.tokens or tokens
        folder = options.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        model, mapped, binary = (folder / f for f in
                                 ("m.mlir", "P.mlir", "P.fbin"))
        model.write_text(need(run(
            sys.executable, ROOT / "models/generate.py", "--format", form,
            "--tokens", tokens, "--out-modes", ",".join(map(str, out_modes)),
            "--in-modes", ",".join(map(str, in_modes)), "--ranks", rank)))
        start = time.perf_counter()
        done = run(options.bin / "fetta-opt", model,
                   f"--fetta-compile-training=machine={options.machine} "
                   f"memory=dram slices={options.slices}", "-o", mapped)
        seconds = time.perf_counter() - start
        if done.returncode:
            message = next((line.split("error: ")[1]
                            for line in done.stderr.splitlines()
                            if "error: " in line), done.stderr)
            print(f"| {name} | {tokens} | | | {seconds:.1f} | refused: {message} "
                  "| | | | | | |", flush=True)
            continue
        need(run(options.bin / "fetta-translate", "--fetta-to-binary", mapped,
                 "-o", binary))
        text = mapped.read_text()
        contractions = text.count(" fetta.contract ")
        argument = text[text.index("func.func"):].split(":")[0].split("%")[1]
        slices = text.count(f"fetta.load %{argument} at")
        need(run(sys.executable, "-m", "fetta", "example-inputs", model,
                 "--gradients", "--outputs", folder / "inputs",
                 cwd=ROOT / "python"))
        for dram in ("ideal", "bandwidth"):
            need(run(options.bin / "fetta-sim", "run", binary, "--inputs",
                     folder / "inputs", "--outputs", folder / dram, "--report",
                     folder / f"report-{dram}", f"--dram={dram}"))
            summary = json.loads(
                (folder / f"report-{dram}" / "summary.json").read_text())
            share = summary["share_of_limit"]
            limits = summary["limit_cycles"]
            print(f"| {name} | {tokens} | {slices} | {contractions} | "
                  f"{seconds:.1f} | {dram} | {summary['cycles']} | "
                  f"{max(limits.values())} | {100 * share:.1f} % | "
                  f"{summary['binding_limit']} | "
                  f"{100 * summary['utilization']:.1f} % | "
                  f"{reason(summary) if share < 0.9 else ''} |", flush=True)
        if options.check:
            print(need(run(
                sys.executable, ROOT / "test/python/scalar_reference.py", mapped,
                "--inputs", folder / "inputs", "--actual", folder / "ideal")),
                end="", file=sys.stderr)


if __name__ == "__main__":
    main()
