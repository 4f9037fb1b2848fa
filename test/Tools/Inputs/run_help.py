# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs the commands that the --help of tools shows, in order, in this folder."""

import re
import subprocess
import sys

count = 0
for tool in sys.argv[1:]:
    text = subprocess.run([tool, "--help"], check=True, capture_output=True, text=True).stdout
    overview = text[: text.index("USAGE:")].replace("\\\n", "")
    for command in re.findall(r"^  ((?:fetta-|python3 ).*)$", overview, re.M):
        command = re.sub("^python3 ", sys.executable + " ", command)
        result = subprocess.run(command, shell=True, capture_output=True, text=True)
        if result.returncode != 0:
            sys.exit(f"{tool} --help: {command}: exit {result.returncode}\n{result.stderr}")
        count += 1
print(count, "commands")
