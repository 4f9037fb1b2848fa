# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The lit suite.

Environment switches:
  FETTA_LONG=1              longer property tests (feature `long`)
  FETTA_VERIFY_ROUNDTRIP=1  every fetta-opt of a RUN line also checks that its
                            input survives printing and parsing

Substitutions: %source and %build (the roots), %python, %cmake, %cxx, %ninja, %llvm
(the folder of LLVM's tools), %machines, %models.
Features: `mlir` (the compiler half is built; without it .mlir tests do not
exist), `long`, `sanitizers`, `root`.
"""

import os

import lit.formats

config.name = "Fetta"
config.test_format = lit.formats.ShTest(execute_external=False)
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(config.fetta_binary_dir, "test")
config.suffixes = {".test"}
config.excludes = {"Inputs", "lib", "python"}

path = [os.path.join(config.fetta_binary_dir, "bin"), config.llvm_tools_dir]
config.environment["PATH"] = os.pathsep.join(path + [os.environ["PATH"]])
config.environment["FILECHECK_OPTS"] = "-enable-var-scope"
config.environment["PYTHONPATH"] = os.path.join(config.fetta_source_dir, "python")
config.environment["PYTHONDONTWRITEBYTECODE"] = "1"

if config.fetta_enable_mlir:
    config.suffixes.add(".mlir")
    config.available_features.add("mlir")
if config.fetta_sanitizers:
    config.available_features.add("sanitizers")
if os.geteuid() == 0:
    config.available_features.add("root")
if os.environ.get("FETTA_LONG") == "1":
    config.available_features.add("long")
    config.environment["FETTA_LONG"] = "1"

config.substitutions += [
    ("%source", config.fetta_source_dir),
    ("%build", config.fetta_binary_dir),
    ("%machines", os.path.join(config.fetta_source_dir, "machines")),
    ("%models", os.path.join(config.fetta_source_dir, "models")),
    ("%python", config.python),
    ("%cmake", config.cmake),
    ("%cxx", config.cxx),
    ("%ninja", config.ninja),
    ("%llvm", config.llvm_tools_dir),
]
if os.environ.get("FETTA_VERIFY_ROUNDTRIP") == "1":
    config.substitutions.append(
        (r"(?<![\w./-])fetta-opt(?![\w-])(?!.*--verify-roundtrip)",
         "fetta-opt --verify-roundtrip")
    )
