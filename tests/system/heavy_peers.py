# SPDX-License-Identifier: MIT
"""Tests with peers that are large or slow to install, such as nginx: they run if WEIR_HEAVY_PEERS is 1. Then a missing
program is a failure. Otherwise they are skipped, and add their names to the file WEIR_HEAVY_SKIPPED, which
scripts/lib/heavy_peers.sh counts.

    @heavy_peer("nginx")
    def test_nginx(self):
        ...
"""
import functools
import os
import shutil
import unittest

ARE_WANTED = os.environ.get("WEIR_HEAVY_PEERS") == "1"
SKIPPED_FILE = os.environ.get("WEIR_HEAVY_SKIPPED")


def heavy_peer(*programs):
    """Marks a test, or a class of tests, that needs these programs."""
    def wrap(what):
        if isinstance(what, type):
            for name in unittest.defaultTestLoader.getTestCaseNames(what):
                setattr(what, name, wrap(getattr(what, name)))
            return what

        @functools.wraps(what)
        def run(self, *arguments):
            if not ARE_WANTED:
                note_skipped(self.id())
                self.skipTest(f"only with WEIR_HEAVY_PEERS=1: needs {', '.join(programs)}")
            missing = [program for program in programs if not shutil.which(program)]
            if missing:
                self.fail(f"WEIR_HEAVY_PEERS is 1, but not installed: {', '.join(missing)}")
            return what(self, *arguments)
        return run
    return wrap


def note_skipped(name):
    """Adds a line to the list of skipped tests. Tests run in parallel: one write of a short line to a file that is open
    for appending is not mixed with others."""
    if SKIPPED_FILE:
        with open(SKIPPED_FILE, "ab", buffering=0) as file:
            file.write(name.encode() + b"\n")
