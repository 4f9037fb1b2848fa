# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Kills a sweep while it runs, by SIGKILL and by SIGINT, and starts it again:
kill_and_resume.py FETTA-SIM SWEEP.yaml FOLDER. The end has the bytes of a sweep
that was left alone, and points that were in the journal are not done again."""

import pathlib
import re
import resource
import signal
import subprocess
import sys
import time

tool, sweep, folder = sys.argv[1:]
folder = pathlib.Path(folder)


def start(name, **options):
    return subprocess.Popen(
        [tool, "sweep", sweep, "--output", str(folder / name), "--jobs=1"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


def lines(name):
    path = folder / f"{name}.journal"
    return path.read_text(errors="replace").count("\n") if path.exists() else 0


def wait_for(process, name, count):
    while process.poll() is None and lines(name) < count:
        time.sleep(0.002)
    assert process.poll() is None, "the sweep was over before it could be killed"


alone = start("alone.csv")
table, _ = alone.communicate()
assert alone.returncode == 0
expected = (folder / "alone.csv").read_bytes()
points = expected.count(b"\n") - 1

# Killed twice: no output, and no point is done twice.
for _ in range(2):
    process = start("killed.csv")
    wait_for(process, "killed.csv", lines("killed.csv") + 4)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert not (folder / "killed.csv").exists()
# Interrupted: what is done is written, and the exit code says so.
process = start("killed.csv")
wait_for(process, "killed.csv", lines("killed.csv") + 4)
process.send_signal(signal.SIGINT)
_, errors = process.communicate()
assert process.returncode == 3, (process.returncode, errors)
done, everything = map(int, re.search(r"stopped: (\d+) of (\d+) points are done; "
                                      r"the same command goes on", errors).groups())
assert everything == points and 8 <= done < points, errors
partial = (folder / "killed.csv").read_text().splitlines()
assert len(partial) == points + 1
assert sum(",not_done," in line for line in partial) == points - done
# What the machine refuses is known at once and not in the journal.
refused = sum(",refused," in line for line in partial)

process = start("killed.csv")
again, errors = process.communicate()
assert process.returncode == 0
assert (folder / "killed.csv").read_bytes() == expected
assert again == table
reused = int(re.search(r"(\d+) of \d+ points were in the journal", errors)[1])
assert reused == done - refused, errors
# Once more: nothing is left to do.
valid = expected.count(b",ok,")
_, errors = start("killed.csv").communicate()
assert f"{valid} of {points} points were in the journal" in errors


# A disk that is full (here: files may not grow) is an error that names the
# file; what was written before serves the next run.
def small_files():
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))


process = start("full.csv", preexec_fn=small_files)
_, errors = process.communicate()
assert process.returncode == 1, process.returncode
assert re.search(r"error: cannot write '.*full.csv.journal': File too large", errors), errors
assert not (folder / "full.csv").exists()
process = start("full.csv")
_, errors = process.communicate()
assert process.returncode == 0
assert (folder / "full.csv").read_bytes() == expected
assert "points were in the journal" in errors and "was cut or damaged" in errors, errors
