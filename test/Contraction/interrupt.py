#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs a command and sends it a signal when it tells on stderr that it anneals,
which is late enough for a short first chain; then repeats it with the work that it reports and compares the orders.

Usage: interrupt.py SIGINT|SIGTERM COMMAND...
"""

import json
import signal
import subprocess
import sys


def main():
    number, command = signal.Signals[sys.argv[1]], sys.argv[2:]
    search = subprocess.Popen(command + ["--progress", "--anneal=100,1000000000000"],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    line = search.stderr.readline()
    while line and "annealing" not in line:
        line = search.stderr.readline()
    search.send_signal(number)
    report = json.loads(search.communicate(timeout=60)[0])
    print("exit", search.returncode, "anneal", report["work"]["anneal"],
          "reproducible", report["work"]["reproducible"])
    work = [f"--{key}={value if key != 'anneal' else ','.join(map(str, value)) or 0}"
            for key, value in report["work"].items() if key != "reproducible"]
    again = subprocess.run(command + work, capture_output=True, text=True, check=False)
    print("same order:", json.loads(again.stdout)["path"] == report["path"])


main()
