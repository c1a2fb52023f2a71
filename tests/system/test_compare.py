# SPDX-License-Identifier: MIT
"""bench/compare: its statistics, one row from the start of the servers to the JSON, and the document made from the rounds.
No duration is asserted: the numbers of a test mean nothing."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

from weir_process import DEADLINE_S, Settings, io_uring_error, main

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BENCH = ROOT / "bench"
sys.path.insert(0, str(BENCH))
import compare_document  # noqa: E402
import compare_statistics  # noqa: E402
from compare_statistics import Paired, against_bar, noise, order_of, paired, winner  # noqa: E402


class Statistics(unittest.TestCase):
    def test_ratios_are_formed_within_a_round(self):
        """The second half of the run was twice as slow for both: the ratio does not see it."""
        base = [100, 100, 100, 100, 200, 200, 200, 200]
        values = [value * 0.9 for value in base]
        self.assertEqual([round(ratio, 6) for ratio in paired(values, base)], [0.9] * 3)

    def test_a_failed_round_is_left_out_of_both(self):
        ratio = paired([None, 110, 120, 100], [100, 100, None, 100])
        self.assertEqual((ratio.median, ratio.low, ratio.high), (1.05, 1.0, 1.1))
        self.assertIsNone(paired([None], [1]))

    def test_the_interval_leaves_out_one_of_eight_at_either_end(self):
        ratio = paired([1, 2, 3, 4, 5, 6, 7, 8], [1] * 8)
        self.assertEqual(ratio, Paired(4.5, 2, 7))
        self.assertAlmostEqual(compare_statistics.coverage(8, 1), 1 - 2 * 9 / 256)

    def test_the_interval_of_few_rounds_has_all_of_them(self):
        self.assertEqual(paired([1, 2, 3, 4], [1] * 4), Paired(2.5, 1, 4))

    def test_more_rounds_leave_out_more(self):
        ratio = paired(list(range(1, 17)), [1] * 16)
        self.assertEqual((ratio.low, ratio.high), (5, 12))
        self.assertGreaterEqual(compare_statistics.coverage(16, 4), compare_statistics.CONFIDENCE)
        self.assertLess(compare_statistics.coverage(16, 5), compare_statistics.CONFIDENCE)

    def test_no_winner_inside_the_noise(self):
        self.assertEqual(winner(Paired(0.95, 0.94, 0.97), 0.06), 0)
        self.assertEqual(winner(Paired(1.04, 1.02, 1.07), 0.05), 0)

    def test_no_winner_if_the_interval_contains_one(self):
        self.assertEqual(winner(Paired(0.90, 0.80, 1.01), 0.02), 0)

    def test_winners(self):
        self.assertEqual(winner(Paired(0.90, 0.85, 0.95), 0.05), -1)
        self.assertEqual(winner(Paired(1.20, 1.10, 1.30), 0.05), 1)

    def test_the_noise_is_the_far_end_of_the_interval(self):
        self.assertAlmostEqual(noise(Paired(1.0, 0.96, 1.01)), 0.04)
        self.assertAlmostEqual(noise(Paired(1.0, 0.99, 1.07)), 0.07)

    def test_a_bar_is_met_when_the_interval_clears_it(self):
        self.assertEqual(against_bar(Paired(0.97, 0.95, 1.00), 1.00), "met")
        self.assertEqual(against_bar(Paired(0.97, 0.95, 1.01), 1.00), "open")
        self.assertEqual(against_bar(Paired(1.06, 1.01, 1.09), 1.00), "missed")

    def test_every_other_round_is_reversed(self):
        self.assertEqual([order_of("abc", index) for index in range(3)], [["a", "b", "c"], ["c", "b", "a"], ["a", "b", "c"]])


class Compare(unittest.TestCase):
    def test_a_row(self):
        build = pathlib.Path(Settings.build or pathlib.Path(Settings.weir).resolve().parent)
        if not (build / "peer_load").exists():
            self.skipTest("the benchmarks are not built")
        if len(os.sched_getaffinity(0)) < 2:
            self.skipTest("it needs two processors")
        own = "weir epoll" if io_uring_error() else "weir epoll,weir uring"
        with tempfile.TemporaryDirectory() as folder:
            made = pathlib.Path(folder) / "rows.json"
            command = [sys.executable, BENCH / "compare", "--build", build, "--quick", "--rows", "tcp-64-50", "--peers", own,
                       "--rounds", "2", "--seconds", "0.1", "--json", made]
            ended = subprocess.run(command, capture_output=True, text=True, timeout=4 * DEADLINE_S)
            self.assertEqual(ended.returncode, 0, ended.stderr)
            row = json.loads(made.read_text())["rows"]["tcp-64-50"]
        self.assertEqual(list(row["servers"])[:2], ["bare", "bare again"])
        self.assertEqual(set(row["servers"]), {"bare", "bare again", *own.split(",")})
        self.assertEqual((row["rounds"], row["seconds"]), (2, 0.1))
        for name, rounds in row["servers"].items():
            self.assertEqual(len(rounds), 2, name)
            for result in rounds:
                self.assertGreater(result["messages"], 0, name)
                self.assertGreater(result["cpu_ns"], 0, name)
                self.assertEqual(result["lost"], 0, name)
        self.assertIn("bare again", ended.stdout)

    def test_unknown_names_are_refused(self):
        for option, name in (("--rows", "tcp-65-50"), ("--peers", "libuw")):
            ended = subprocess.run([sys.executable, BENCH / "compare", option, name], capture_output=True, text=True)
            self.assertEqual(ended.returncode, 2)
            self.assertIn(name, ended.stderr)


class Document(unittest.TestCase):
    @staticmethod
    def timed_row(**costs):
        """A row of eight rounds: the nanoseconds per message of each server, and 2 percent more in every other round."""
        def results(cost):
            return [{"messages": 1000, "seconds": 1.0, "cpu_ns": 1000 * cost * (1 + 0.02 * (index % 2)), "p50_ns": 1000,
                     "p99_ns": 2000, "util": 1.0} for index in range(8)]
        return {"rounds": 8, "seconds": 1, "servers": {name.replace("_", " "): results(cost) for name, cost in costs.items()}}

    def test_a_lost_row_says_so_and_why(self):
        row = self.timed_row(bare=100, bare_again=101, weir_uring=110, weir_epoll=120, libuv=150, libev=90)
        lines = compare_document.conclusion("tcp-64-50", row, {"tcp-64-50": "because"})
        self.assertEqual(lines[0], "**weir loses this row.** Cheaper than weir uring: bare, libev.")
        self.assertEqual(lines[1], "Why: because")
        self.assertIn("libuv 0.73", lines[2])
        self.assertEqual(compare_document.conclusion("tcp-64-50", row, {})[1], f"Why: {compare_document.UNEXPLAINED}")

    def test_a_row_within_the_noise_is_not_lost(self):
        row = self.timed_row(bare=100, bare_again=108, weir_uring=106, libuv=150)
        self.assertIn("No server of this row needs less", compare_document.conclusion("tcp-64-50", row, {})[0])

    def test_a_lost_count_says_so(self):
        row = {"servers": {"bare": {"count": 3}, "weir epoll": {"count": 5}, "go": {"failed": "no"}, "libuv": {"count": 9}}}
        lines = compare_document.conclusion("memory", row, {"memory": "because"})
        self.assertEqual(lines, ["**weir loses this row.** Less than weir epoll: bare (3).", "Why: because"])

    def test_the_document_is_made_from_the_rounds(self):
        tool = subprocess.run([sys.executable, ROOT / "tools" / "benchmarks_doc"], capture_output=True, text=True)
        self.assertEqual(tool.returncode, 0, tool.stdout + tool.stderr)

    def test_every_expected_server_and_row_exists(self):
        import compare_peers
        import compare_rows
        expected = json.loads((BENCH / "expected.json").read_text())["rows"]
        self.assertEqual(set(expected), set(compare_rows.ROWS))
        for servers in expected.values():
            self.assertLessEqual(set(servers), set(compare_peers.NOTES))


if __name__ == "__main__":
    main()
