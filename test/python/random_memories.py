# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Random layers on machines with little memory: slices, pieces, spilled sums.

Each training step is compiled for a machine of few rows, or refused because it
does not fit; its values on the simulated machine are compared with the native
run of the same layer, which knows neither slices nor pieces. Rounding to BF16
keeps the two within a few per cent of the largest element; a part of a sum that
is lost or counted twice does not. The first layer is one that needs spilled
sums behind views. Prints its seed.

Usage: random_memories.py SOURCE FOLDER [--programs N] [--seed N]
"""

import argparse
import pathlib
import random
import re
import subprocess
import sys

import numpy as np

TOLERANCE = 0.05
MACHINES = ["fetta-edge", "small-4ce", "small-4ce-2x8", "small-16ce-8x2"]


def run(*command, text=None):
    return subprocess.run([str(part) for part in command], capture_output=True,
                          text=True, check=False, input=text)


def must(*command):
    done = run(*command)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return done.stdout


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=pathlib.Path)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--programs", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    print("seed", options.seed)
    rng = random.Random(options.seed)
    agree = refused = spilled = 0
    for number in range(options.programs):
        modes = [rng.choice([2, 3, 4, 5, 8, 12]) for _ in range(6)]
        layer = {"format": rng.choice(["tt", "ttm"]), "rank": rng.choice([2, 3, 5, 8, 12]),
                 "tokens": rng.choice([3, 8, 17, 32])}
        machine = {"name": rng.choice(MACHINES), "rows_per_slab": rng.choice([8, 12, 16, 24, 40]),
                   "accumulator_rows": rng.choice([4, 16, 128]), "slabs": rng.choice([3, 4, 8]),
                   "staging_rows": rng.choice([4, 64])}
        if number == 0:
            modes = [12, 8, 8, 8, 8, 12]
            layer = {"format": "tt", "rank": 12, "tokens": 32}
            machine = {"name": "fetta-edge", "rows_per_slab": 16}
        folder = options.folder / str(number)
        folder.mkdir(parents=True)
        text = (options.source / f"machines/{machine.pop('name')}.yaml").read_text()
        for key, value in machine.items():
            text = re.sub(rf"({key}: {{value: )\d+", rf"\g<1>{value}", text)
        (folder / "machine.yaml").write_text(text)
        module = folder / "layer.mlir"
        module.write_text(must(
            sys.executable, options.source / "models/generate.py", "--format", layer["format"],
            "--out-modes", ",".join(map(str, modes[:3])), "--in-modes", ",".join(map(str, modes[3:])),
            "--ranks", layer["rank"], "--tokens", layer["tokens"]))
        program = folder / "program.mlir"
        compiled = run("fetta-opt", module, "-o", program,
                       f"--fetta-compile-training=machine={folder}/machine.yaml")
        if compiled.returncode:
            if not re.search("exceeds tensor memory|a program has 65536", compiled.stderr):
                sys.exit(f"{folder}: {compiled.stderr}")
            refused += 1
            continue
        must("fetta-translate", "--fetta-to-binary", program, "-o", folder / "program.fbin")
        must(sys.executable, "-m", "fetta", "example-inputs", module, "--gradients", "--outputs", folder / "in")
        must("fetta-sim", "run", folder / "program.fbin", "--inputs", folder / "in",
             "--outputs", folder / "out", "--quiet")
        must("fetta-run", module, "--training", "--inputs", folder / "in", "--outputs", folder / "native")
        for file in (folder / "native").iterdir():
            native, machines = np.load(file), np.load(folder / "out" / file.name)
            worst = np.abs(machines - native).max() / np.abs(native).max()
            if not worst < TOLERANCE:
                sys.exit(f"{folder}: {file.name} is off by {worst:.3f}")
        agree += 1
        spilled += bool(re.search(r"fetta\.load %\d+ .*xf32>", program.read_text()))
    print(f"{agree} programs agree, {spilled} of them with spilled sums, {refused} refused")


if __name__ == "__main__":
    main()
