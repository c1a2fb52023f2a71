#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks that a failed test is a failed test: that nothing between ctest and the test loses its exit code.

    check_exit_codes.py BUILD --ctest PROGRAM [--emulator PROGRAM]

The emulator runs the programs of another system; of its own system's programs it loses the exit codes. Two checks:

- The command of each test: only programs of the other system are run by the emulator, and no property makes ctest ignore
  the exit code.
- Tests that fail on purpose, each run by the command of a test of the same kind. BUILD has the programs for it.
"""
import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

IGNORES_EXIT_CODE = {"WILL_FAIL", "PASS_REGULAR_EXPRESSION", "SKIP_REGULAR_EXPRESSION"}
DEADLINE_S = 100

# The tests of tests/system, by their exit code. Each is the body of a class.
SYSTEM_TESTS = (
    (0, "def test(self): pass"),
    (1, "def test(self): self.fail()"),
    (1, "def test(self): self.start('--no-such-option')"),
    (1, "def test(self): raise TooSlow()"),
    (1, "def test(self):\n        thread = threading.Thread(target=self.fail)\n        thread.start()\n        thread.join()"),
    (1, "pass"),
    (77, "def test(self): self.skipTest('')"),
    (0, "def test(self): self.skipTest('')\n    def test_more(self): pass"),
)
SYSTEM_TEST = """import threading
from weir_process import TooSlow, WeirTest, main
class Failing(WeirTest):
    {body}
if __name__ == "__main__":
    main()
"""
# The ways of tests/windows/leave.c.
ENDINGS = ((64, "unknown"), (3, "abort"), (0, "exit"), (0, "end"))


def read_tests(ctest, build):
    listed = subprocess.run([ctest, "--show-only=json-v1"], cwd=build, capture_output=True, text=True, check=True).stdout
    return json.loads(listed)["tests"]


def wrong_commands(tests, emulator):
    """Yields what is wrong with the commands and properties of the tests."""
    for test in tests:
        name, command = test["name"], test.get("command")
        if not command:
            yield f"{name} has no program"
            continue
        is_emulated = emulator is not None and command[0] == emulator
        program = command[1] if is_emulated else command[0]
        if program.endswith(".exe") != is_emulated:
            yield f"{name}: the emulator loses the exit code of {program}" if is_emulated else f"{name}: no emulator"
        for at in test["properties"]:
            if at["name"] in IGNORES_EXIT_CODE:
                yield f"{name}: the property {at['name']} ignores the exit code"


def exit_code(command, **environment):
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=DEADLINE_S, check=False,
                          env={**os.environ, **environment}).returncode


def command_of(tests, pattern):
    return next(test["command"] for test in tests if re.fullmatch(pattern, test["name"]))


def wrong_exit_codes(tests, build, emulator):
    """Yields each deliberate failure whose exit code is wrong."""
    contract = command_of(tests, r"contract\.(simulated|iocp)\.rule_01_demand")
    attempts = [(2, [*contract, "--group=unknown"], {})]
    if emulator:
        attempts.append((1, [*contract, "--patience-ms=0"], {}))  # failed assertions of cmocka
        attempts += [(code, [emulator, str(build / "leave.exe"), way], {}) for code, way in ENDINGS]
    with tempfile.TemporaryDirectory() as folder:
        python, script, *options = command_of(tests, r"system\.\w+\.endings")
        path = {"PYTHONPATH": os.path.dirname(script), "PYTHONDONTWRITEBYTECODE": "1"}
        for i, (code, body) in enumerate(SYSTEM_TESTS):
            copy = pathlib.Path(folder) / f"test_{i}.py"
            copy.write_text(SYSTEM_TEST.format(body=body), "utf-8")
            attempts.append((code, [python, str(copy), *options], path))
        for wanted, command, environment in attempts:
            code = exit_code(command, **environment)
            if code != wanted:
                yield f"exit code {code} instead of {wanted}: {' '.join(command)}"


def main():
    parser = argparse.ArgumentParser(description="Checks that no exit code of a test is lost.")
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--ctest", default="ctest")
    parser.add_argument("--emulator", help="what ctest runs programs of another system with")
    options = parser.parse_args()
    tests = read_tests(options.ctest, options.build)
    wrong = [*wrong_commands(tests, options.emulator), *wrong_exit_codes(tests, options.build, options.emulator)]
    for line in wrong:
        print(f"check_exit_codes: {line}")
    print(f"check_exit_codes: {len(tests)} tests, {len(wrong)} findings")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
