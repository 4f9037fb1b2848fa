# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Random ragged contractions through compiler, binary and simulator.

Every program holds contractions over three dataflows with 0 to 3 missing bits;
values come from the simulated machine and are compared bit for bit with the
scalar reference, and with float64 within the rounding bound. Prints its seeds.

Usage: random_programs.py FOLDER MACHINE... [--programs N] [--count N] [--seed N]
"""

import argparse
import pathlib
import re
import subprocess
import sys

import numpy as np

import scalar_reference


def run(*command):
    done = subprocess.run([str(part) for part in command], capture_output=True,
                          text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")


def random_inputs(text, seed, folder):
    """Ordinary values, and now and then zeros of both signs and large ones."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    inputs = {}
    for sizes, name in re.findall(
            r'%\w+: tensor<((?:\d+x)*)bf16> \{tnn\.name = "(\w+)"', text):
        shape = [int(size) for size in sizes.split("x")[:-1]]
        value = np.asarray(rng.standard_normal(shape), np.float32)
        value = np.where(rng.random(shape) < 0.1, np.float32(-0.0), value)
        value = np.ldexp(value, rng.integers(-4, 5, shape)).astype(np.float32)
        inputs[name] = scalar_reference.round_bf16(value)
        np.save(folder / f"{name}.npy", inputs[name])
    return inputs


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("machines", nargs="+")
    parser.add_argument("--programs", type=int, default=20)
    parser.add_argument("--count", type=int, default=25)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    empty = options.folder / "empty.mlir"
    empty.write_text("module {}\n")
    total = 0
    for program in range(options.programs):
        machine = options.machines[program % len(options.machines)]
        seed = options.seed + 1000 * program
        folder = options.folder / str(program)
        folder.mkdir(exist_ok=True)
        ir, binary = folder / "P.mlir", folder / "P.fbin"
        what = f"program {program}: {pathlib.Path(machine).stem}, seed {seed}"
        print(what, flush=True)
        run("fetta-opt", empty, f"--fetta-attach-machine=file={machine}",
            f"--test-random-program=seed={seed} count={options.count}",
            "--fetta-allocate-memory", "--fetta-route-networks",
            "--fetta-verify-program", "-o", ir)
        run("fetta-translate", "--fetta-to-binary", ir, "-o", binary)
        text = ir.read_text()
        inputs = random_inputs(text, seed, folder / "inputs")
        run("fetta-sim", "run", binary, "--inputs", folder / "inputs",
            "--outputs", folder / "outputs", "--report", folder / "report")
        results, count = scalar_reference.evaluate(text, inputs, bound=True)
        for name, expected in results.items():
            actual = np.load(folder / "outputs" / f"{name}.npy").astype(np.float32)
            if not scalar_reference.same_bits(actual, expected).all():
                sys.exit(f"{what}: {name} differs from the scalar reference")
        total += count
    print(f"{total} contractions agree bit for bit")


if __name__ == "__main__":
    main()
