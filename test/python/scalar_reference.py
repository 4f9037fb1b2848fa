# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The machine's arithmetic, bit for bit, from the printed mapped IR.

Reads the text of a `fetta` function, takes dataflow, lanes and loops of every
contraction from it and sums in the order of docs/Machine.md, section 7.
Includes nothing of the toolchain; layouts, routes and homes play no part. All
elements of a result are computed at once: the order within each is the same.

Usage: scalar_reference.py PROGRAM.mlir --inputs DIR --outputs DIR
       [--actual DIR]   compares bit for bit with the arrays there
       [--bound]        also checks every contraction against float64
"""

import argparse
import pathlib
import re
import sys

import numpy as np


def round_bf16(values):
    """To nearest, ties to even; NaN canonical."""
    values = np.asarray(values, np.float32)
    bits = values.reshape(-1).view(np.uint32)
    cut, kept = bits & np.uint32(0xFFFF), bits & np.uint32(0xFFFF0000)
    half, last = np.uint32(0x8000), np.uint32(0x10000)
    up = (cut > half) | ((cut == half) & ((kept & last) != 0))
    # Only a NaN could overflow here, and it is replaced.
    kept = kept + np.where(up, last, np.uint32(0))
    return canonical(np.where(np.isnan(values.reshape(-1)), np.float32(np.nan),
                              kept.view(np.float32)).reshape(values.shape))


def canonical(values):
    values = np.array(values, np.float32)
    values.reshape(-1).view(np.uint32)[np.isnan(values.reshape(-1))] = 0x7FC00000
    return values


def same_bits(actual, expected):
    """Per element. A scalar stays one (ascontiguousarray makes it a vector)."""
    bits = [np.array(values, np.float32, order="C").reshape(-1).view(np.uint32)
            for values in (actual, expected)]
    if np.shape(actual) != np.shape(expected):
        raise ValueError(f"shape {np.shape(actual)} against {np.shape(expected)}")
    return (bits[0] == bits[1]).reshape(np.shape(actual))


class Contraction:
    """One fetta.contract: modes are names, bits are (mode, bit) or None."""

    def __init__(self, einsum, dataflow, lanes, loops):
        inputs, output = einsum.split("->")
        self.a, self.b = (text.split() for text in inputs.split(","))
        self.c = output.split()
        self.dataflow = dataflow
        bits = {}
        for name, table in re.findall(r"(ce|row|column) \[([^]]*)\]", lanes):
            bits[name] = [None if entry.strip() == "-" else
                          (entry.strip().split(":")[0], int(entry.split(":")[1]))
                          for entry in table.split(",") if entry.strip()]
        self.ce, self.row = bits["ce"], bits["row"]
        self.loops = [(mode, int(count), int(weight)) for mode, count, weight in
                      re.findall(r"(\w+) x (\d+) by (\d+)", loops)]

    def run(self, a, b, init=None):
        """Float32 sums of all elements of the result, on top of partial ones."""
        sizes = dict(zip(self.a + self.b, a.shape + b.shape))
        reduced = [mode for mode in sizes if mode not in self.c]
        zeros = np.zeros([sizes[mode] for mode in self.c], np.float32)

        def operand(array, modes, index):
            for mode in reduced:
                if mode in modes:
                    axis = modes.index(mode)
                    array = array.take(index[mode], axis)
                    modes = modes[:axis] + modes[axis + 1:]
            order = [modes.index(mode) for mode in self.c if mode in modes]
            shape = [sizes[mode] if mode in modes else 1 for mode in self.c]
            return array.transpose(order).reshape(shape)

        def product(index):
            # Beyond an edge both operands are +0.0.
            if any(index[mode] >= sizes[mode] for mode in reduced):
                return zeros
            return (operand(a, self.a, index) * operand(b, self.b, index)).astype(
                np.float32)

        def lane_part(table, number):
            """Index offsets of a position; None where an empty bit is set."""
            part = dict.fromkeys(reduced, 0)
            for lane, bit in enumerate(table):
                if not number >> lane & 1:
                    continue
                if bit is None:
                    return None
                part[bit[0]] += 1 << bit[1]
            return part

        def plus(x, y):
            return {mode: x[mode] + y[mode] for mode in reduced}

        stationary = self.dataflow != "output_stationary"
        # Only the CE bits that carry reduced modes take part in one sum.
        ce_bits = [bit for bit in self.ce if bit and bit[0] in reduced]
        ces = [lane_part(ce_bits, n) for n in range(1 << len(ce_bits))]
        # Rows carry reduced modes in the stationary dataflows only.
        rows = [lane_part(self.row, n)
                for n in range(1 << len(self.row))] if stationary else []

        def network(values):
            while len(values) > 1:
                values = [values[i] + values[i + 1]
                          for i in range(0, len(values), 2)]
            return values[0]

        def column_sum(index):
            total = None
            for row in rows:
                term = zeros if row is None else product(plus(index, row))
                total = term if total is None else total + term
            return total

        # Loops over result modes never mix sums of different elements; they
        # only say where a sum in the PEs ends (output-stationary).
        moving = [loop for loop in self.loops if loop[1] > 1]
        inner = len(moving)
        while inner and moving[inner - 1][0] in reduced:
            inner -= 1
        outer_k = [loop for loop in moving[:inner] if loop[0] in reduced]
        inner_k = moving[inner:]
        if stationary:
            outer_k, inner_k = outer_k + inner_k, []

        def steps(loops):
            index = [dict.fromkeys(reduced, 0)]
            for mode, count, weight in loops:
                index = [plus(old, {**dict.fromkeys(reduced, 0), mode: i * weight})
                         for old in index for i in range(count)]
            return index

        accumulator = init
        for outer in steps(outer_k):
            if stationary:
                value = network([column_sum(plus(outer, ce)) for ce in ces])
            else:
                registers = []
                for ce in ces:
                    total = None
                    for beat in steps(inner_k):
                        term = product(plus(plus(outer, beat), ce))
                        total = term if total is None else total + term
                    registers.append(total)
                value = network(registers)
            accumulator = value if accumulator is None else accumulator + value
        return np.broadcast_to(accumulator, zeros.shape)


def check_bound(contraction, a, b, init, result, is_bf16):
    """The sum of k terms lies within k eps of the exact one."""
    modes = sorted({*contraction.a, *contraction.b})
    letters = {mode: i for i, mode in enumerate(modes)}
    axes = [[letters[mode] for mode in operand]
            for operand in (contraction.a, contraction.b, contraction.c)]
    a, b = a.astype(np.float64), b.astype(np.float64)
    exact = np.einsum(a, axes[0], b, axes[1], axes[2])
    magnitude = np.einsum(abs(a), axes[0], abs(b), axes[1], axes[2])
    sizes = dict(zip(contraction.a + contraction.b, a.shape + b.shape))
    k = int(np.prod([size for mode, size in sizes.items()
                     if mode not in contraction.c], initial=1))
    if init is not None:
        exact, magnitude, k = exact + init, magnitude + abs(init), k + 1
    u = 2.0 ** -24
    bound = magnitude * (k * u / (1 - k * u))
    if is_bf16:
        bound = bound + 2.0 ** -8 * (abs(exact) + bound)
    return bool(np.all(abs(result - exact) <= bound + 1e-38))


VALUE = r"(%[\w#]+)"


def parse_shape(text):
    *sizes, element = re.match(r"tensor<([^,>]*)", text.strip())[1].split("x")
    return [int(size) for size in sizes], element


def places(line, shape):
    """Places in a region (flat) of a tile that fetta.load or fetta.store moves."""
    at = int(re.search(r" at (-?\d+)", line)[1])
    given = re.search(r" strides \[([^]]*)\]", line)
    strides = ([int(stride) for stride in given[1].split(",") if stride.strip()]
               if given else [int(np.prod(shape[d + 1:])) for d in range(len(shape))])
    index = np.full([1] * len(shape), at)
    for d, (size, stride) in enumerate(zip(shape, strides, strict=True)):
        steps = [1] * len(shape)
        steps[d] = size
        index = index + (np.arange(size) * stride).reshape(steps)
    return index


def evaluate(text, inputs, bound=False):
    """Results of the only function with a body, by name."""
    signature = re.search(r"func\.func @\w+\((.*?)\)(?: -> (.*?))? \{\n", text, re.S)
    values, results = {}, {}
    number = 0
    for name, attributes in re.findall(
            r"(%\w+): tensor<[^>]*>(?: \{([^}]*)\})?", signature[1]):
        given = re.search(r'tnn\.name = "([^"]*)"', attributes)
        values[name] = inputs[given[1] if given else f"arg{number}"]
        number += 1
    names = []
    for attributes in re.findall(r"tensor<[^>]*>(?: \{([^}]*)\})?", signature[2] or ""):
        given = re.search(r'tnn\.name = "([^"]*)"', attributes)
        names.append(given[1] if given else f"result{len(names)}")

    body = re.sub(r"\n {8}", " ", text[signature.end():])
    count = 0
    for line in body.splitlines():
        line = line.strip()
        match = re.match(VALUE + r" = fetta\.(place|relabel|collect) " + VALUE +
                         r".* -> (.*)$", line)
        if match:
            shape, element = parse_shape(match[4])
            value = np.asarray(values[match[3]], np.float32).reshape(shape)
            if match[2] == "place" and element == "bf16":
                value = round_bf16(value)
            values[match[1]] = value
            continue
        match = re.match(VALUE + r" = fetta\.load " + VALUE + " at .* -> (.*)$", line)
        if match:
            shape, element = parse_shape(match[3])
            region = np.asarray(values[match[2]], np.float32).reshape(-1)
            value = region[places(line, shape)]
            values[match[1]] = round_bf16(value) if element == "bf16" else value
            continue
        match = re.match(VALUE + r" = fetta\.store " + VALUE + " into " + VALUE +
                         " at .* : (.*), tensor<.*$", line)
        if match:
            region = values[match[3]].copy()
            region.reshape(-1)[places(line, parse_shape(match[4])[0])] = \
                values[match[2]]
            values[match[1]] = region
            continue
        match = re.match(VALUE + r" = tensor\.empty\(\) : (.*)$", line)
        if match:
            values[match[1]] = np.full(parse_shape(match[2])[0], np.nan, np.float32)
            continue
        if line.startswith("fetta.sync "):
            continue
        match = re.match(VALUE + r' = fetta\.contract "([^"]*)" ' + VALUE + ", " +
                         VALUE + r"(?: init\(" + VALUE + r"\))? (\w+) +lanes "
                         r"<([^>]*)> +loops <([^>]*)> .*-> (.*)$", line)
        if match:
            contraction = Contraction(match[2], match[6], match[7], match[8])
            a, b = values[match[3]], values[match[4]]
            init = values[match[5]] if match[5] else None
            with np.errstate(all="ignore"):
                sums = contraction.run(a, b, init)
            is_bf16 = parse_shape(match[9])[1] == "bf16"
            result = round_bf16(sums) if is_bf16 else canonical(sums)
            if bound and not check_bound(contraction, a, b, init, result, is_bf16):
                raise SystemExit(f"beyond the bound: {line}")
            values[match[1]] = result
            count += 1
            continue
        match = re.match(r"return(?: ([^:]*) :)?", line)
        if match:
            returned = match[1].split(", ") if match[1] else []
            results = {name: values[value.strip()]
                       for name, value in zip(names, returned, strict=True)}
            break
        if line and not line.startswith("//"):
            raise SystemExit(f"not understood: {line}")
    return results, count


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program", type=pathlib.Path)
    parser.add_argument("--inputs", type=pathlib.Path, required=True)
    parser.add_argument("--outputs", type=pathlib.Path)
    parser.add_argument("--actual", type=pathlib.Path)
    parser.add_argument("--bound", action="store_true")
    options = parser.parse_args()
    inputs = {path.stem: np.load(path) for path in options.inputs.glob("*.npy")}
    results, count = evaluate(options.program.read_text(), inputs, options.bound)
    for name, value in results.items():
        if options.outputs:
            options.outputs.mkdir(parents=True, exist_ok=True)
            np.save(options.outputs / f"{name}.npy", value)
        if options.actual:
            actual = np.load(options.actual / f"{name}.npy").astype(np.float32)
            same = same_bits(actual, value)
            if not np.all(same):
                at = tuple(np.argwhere(~same)[0])
                sys.exit(f"{name}: {np.count_nonzero(~same)} of {value.size} "
                         f"elements differ, first at {at}: {actual[at]!r}, "
                         f"expected {value[at]!r}")
    print(f"{count} contractions, {len(results)} results"
          + (" agree bit for bit" if options.actual else ""))


if __name__ == "__main__":
    main()
