# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs a command whose standard output takes nothing; prints what it says."""

import subprocess
import sys

with open("/dev/full", "w") as full:
    done = subprocess.run(sys.argv[1:], stdout=full, stderr=subprocess.PIPE, text=True)
print(done.stderr + f"exit {done.returncode}")
