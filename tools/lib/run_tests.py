#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs the suites of a build and counts every test; called by tools/test.

A runner that crashes, is killed or prints no result counts as one failure, so
that a suite can never vanish from the sum.
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Seconds a single runner may take before it counts as crashed.
LIMIT = 3600 if os.environ.get("FETTA_LONG") == "1" else 900


class Result:
    """Counts of one suite and what to show of its failures."""

    def __init__(self, name):
        self.name = name
        self.passed = self.failed = self.skipped = 0
        self.seconds = 0.0
        self.output = ""

    def crash(self, reason):
        self.failed += 1
        self.output += f"\n{self.name}: {reason}\n"
        return self


def run(command, result, **options):
    """Runs a command; returns its exit code, or None when it took too long."""
    start = time.monotonic()
    try:
        done = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            timeout=LIMIT, errors="replace", text=True, **options)
        result.output += done.stdout
        return done.returncode
    except subprocess.TimeoutExpired as stopped:
        # Bytes in spite of text=True; decode what there is.
        output = stopped.stdout or b""
        result.output += output if isinstance(output, str) else output.decode(errors="replace")
        return None
    finally:
        result.seconds = time.monotonic() - start


def describe(code):
    if code is None:
        return f"stopped after {LIMIT} s"
    return f"killed by signal {-code}" if code < 0 else f"exit code {code}"


def run_lit(build, jobs, scratch):
    result = Result("lit")
    report = scratch / "lit.json"
    config = json.loads((build / "test" / "runner.json").read_text())
    code = run([sys.executable, config["lit"], "-s", "-v", "-j", str(jobs),
                "--output", str(report), str(build / "test")], result)
    try:
        tests = json.loads(report.read_text())["tests"]
    except (OSError, ValueError, KeyError):
        return result.crash(f"no result: {describe(code)}")
    for test in tests:
        if test["code"] in ("PASS", "XFAIL", "FLAKYPASS"):
            result.passed += 1
        elif test["code"] in ("UNSUPPORTED", "SKIPPED", "EXCLUDED"):
            result.skipped += 1
        else:
            result.failed += 1
    if code != 0 and not result.failed:
        result.crash(describe(code))
    return result


def run_gtest(binary, scratch, label):
    """Runs one test program; a label stands for another build, which runs the
    quick tests only: sanitizers make the longer ones take a quarter of an hour."""
    environment = dict(os.environ)
    if label:
        environment.pop("FETTA_LONG", None)
    result = Result(f"{label}{binary.name}")
    report = scratch / f"{label.replace('/', '-')}{binary.name}.json"
    # Tests write scratch files relative to nothing; a folder of their own keeps
    # the source folder clean.
    folder = scratch / f"{report.stem}.dir"
    folder.mkdir()
    code = run([str(binary), f"--gtest_output=json:{report}", "--gtest_brief=1",
                "--gtest_color=no"], result, cwd=folder, env=environment)
    try:
        suites = json.loads(report.read_text())["testsuites"]
    except (OSError, ValueError, KeyError):
        return result.crash(f"no result: {describe(code)}")
    for suite in suites:
        for test in suite["testsuite"]:
            if test.get("failures"):
                result.failed += 1
            elif test.get("result") == "SKIPPED" or test.get("status") == "NOTRUN":
                result.skipped += 1
            else:
                result.passed += 1
    if code != 0 and not result.failed:
        result.crash(describe(code))
    return result


def run_python():
    result = Result("python")
    environment = dict(os.environ, PYTHONPATH=str(ROOT / "python"),
                       PYTHONDONTWRITEBYTECODE="1")
    code = run([sys.executable, "-m", "unittest", "discover", "-s",
                str(ROOT / "test" / "python")], result, env=environment)
    ran = re.search(r"^Ran (\d+) tests? in ", result.output, re.MULTILINE)
    last = result.output.rstrip().rpartition("\n")[2]
    if not ran or not re.match(r"(OK|FAILED|NO TESTS RAN)", last):
        return result.crash(f"no result: {describe(code)}")
    count = {key: int(value) for key, value in
             re.findall(r"([a-z ]+)=(\d+)", last.replace(", ", ","))}
    result.failed = sum(count.get(key, 0) for key in
                        ("failures", "errors", "unexpected successes"))
    result.skipped = count.get("skipped", 0)
    # Several sub-tests of one test may fail.
    result.passed = max(0, int(ran.group(1)) - result.failed - result.skipped)
    if code != 0 and not result.failed:
        result.crash(describe(code))
    return result


def list_unittests(build):
    names = (build / "unittests" / "binaries.txt").read_text().split("\n")
    return [pathlib.Path(name) for name in names if name]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("--unittests-only", type=pathlib.Path, action="append",
                        default=[], metavar="BUILD",
                        help="another build of which only the unit tests run")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    arguments = parser.parse_args()
    build = arguments.build.resolve()

    start = time.monotonic()
    results = []

    def show(result):
        results.append(result)
        if result.failed:
            print(result.output.strip())
        print(f"{result.name}: {result.passed} passed, {result.failed} failed"
              + (f", {result.skipped} skipped" if result.skipped else "")
              + f" ({result.seconds:.1f} s)", flush=True)

    with tempfile.TemporaryDirectory(prefix="fetta-test-") as name:
        scratch = pathlib.Path(name)
        with concurrent.futures.ThreadPoolExecutor(min(2, arguments.jobs)) as pool:
            pending = [pool.submit(run_gtest, binary, scratch, "")
                       for binary in list_unittests(build)]
            for other in arguments.unittests_only:
                label = other.resolve().name + "/"
                pending += [pool.submit(run_gtest, binary, scratch, label)
                            for binary in list_unittests(other)]
            pending.append(pool.submit(run_python))
            for future in concurrent.futures.as_completed(pending):
                show(future.result())
        show(run_lit(build, arguments.jobs, scratch))

    passed = sum(result.passed for result in results)
    failed = sum(result.failed for result in results)
    skipped = sum(result.skipped for result in results)
    failing = [result.name for result in results if result.failed]
    print(f"{time.monotonic() - start:.0f} s"
          + (f"; failures in: {', '.join(sorted(failing))}" if failing else ""))
    print(f"{passed} passed, {failed} failed"
          + (f", {skipped} skipped" if skipped else ""))
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
