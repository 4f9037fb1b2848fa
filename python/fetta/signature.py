# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Arrays that a function in MLIR text takes and gives.

Reads the signature only, as it is written: `func.func @f(%x: tensor<2x3xbf16>
{tnn.role = "input"}, ...) -> (tensor<...> {tnn.name = "y"})`. An argument is
called by its tnn.name, else by its name in the source, a number becoming
`arg<i>`; a result by its tnn.name, else `result<i>`. The tools do the same.
"""

import dataclasses
import re


@dataclasses.dataclass(frozen=True)
class Array:
    """One argument or result. element is `bf16`, `f32`, ...; role is the
    tnn.role of an argument or None."""
    name: str
    shape: tuple
    element: str
    role: str = None


@dataclasses.dataclass(frozen=True)
class Signature:
    name: str
    arguments: tuple
    results: tuple


_TENSOR = re.compile(r"tensor<((?:\d+x)*)([a-z][a-z0-9]*)")
_SCAN = re.compile(r'"(?:[^"\\]|\\.)*"|->|[()<>{}\[\],]')


def _split(text):
    """Splits at commas outside of brackets and strings."""
    parts, depth, start = [], 0, 0
    for match in _SCAN.finditer(text):
        token = match.group()
        if token in "(<{[":
            depth += 1
        elif token in ")>}]":
            depth -= 1
        elif token == "," and depth == 0:
            parts.append(text[start:match.start()])
            start = match.end()
    if text[start:].strip():
        parts.append(text[start:])
    return parts


def _balanced(text, start):
    """The text inside the parenthesis at start, and the place behind it."""
    depth = 0
    for match in _SCAN.finditer(text, start):
        if match.group() in ("(", "{", "[", "<"):
            depth += 1
        elif match.group() in (")", "}", "]", ">"):
            depth -= 1
            if depth == 0:
                return text[start + 1:match.start()], match.end()
    raise ValueError("unbalanced parentheses in a function's signature")


def _attribute(text, name):
    found = re.search(re.escape(name) + r'"?\s*=\s*"([^"]*)"', text)
    return found.group(1) if found else None


def _array(text, name, function):
    tensor = _TENSOR.search(text)
    if not tensor:
        raise ValueError(f"@{function}: '{text.strip()}' is not a tensor of static shape")
    shape = tuple(int(size) for size in tensor.group(1).split("x")[:-1])
    return Array(_attribute(text, "tnn.name") or name, shape, tensor.group(2),
                 _attribute(text, "tnn.role"))


def parse_signature(text, function=None):
    """The signature of @function in MLIR text; without a name, of the first
    public function that is there."""
    text = re.sub(r"//[^\n]*", "", text)
    for found in re.finditer(r"func\.func\s+(private\s+|public\s+|nested\s+)?"
                             r'@([\w$.-]+|"[^"]*")\s*\(', text):
        name = found.group(2).strip('"')
        if function is None and (found.group(1) or "").strip() == "private":
            continue
        if function is not None and name != function:
            continue
        inside, end = _balanced(text, found.end() - 1)
        arguments = []
        for index, part in enumerate(_split(inside)):
            source, colon, rest = part.partition(":")
            source = source.strip().lstrip("%")
            if not colon:
                source, rest = "", part
            if not source or source.isdigit():
                source = f"arg{index}"
            arguments.append(_array(rest, source, name))
        arrow = re.compile(r"\s*->\s*").match(text, end)
        results = []
        if arrow:
            if text[arrow.end()] == "(":
                inside = _balanced(text, arrow.end())[0]
            else:
                start = text.index("<", arrow.end())
                inside = text[arrow.end():_balanced(text, start)[1]]
            results = [_array(part, f"result{index}", name)
                       for index, part in enumerate(_split(inside))]
        return Signature(name, tuple(arguments), tuple(results))
    what = f"no function @{function}" if function else "no function"
    raise ValueError(f"{what} in the text")
