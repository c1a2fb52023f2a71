# SPDX-License-Identifier: MIT
"""weir doctor says what in this system limits a server. Its facts are compared with what the system tells this test."""
import json
import os
import resource
import sys

from weir_process import Settings, WeirTest, io_uring_error, linux_only, main

LAUNCHER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "refuse_io_uring.py")
OK, FAILED, USAGE = 0, 1, 64
LEVELS = ("ok", "note", "warning", "error")


class DoctorTest(WeirTest):
    def doctor(self, *arguments, launcher=(), **options):
        """Runs weir doctor; returns its findings by subject, the worst one of each."""
        ended = self.run_weir("doctor", "--json", *arguments, launcher=launcher, **options)
        self.assertEqual(ended.stderr, "")
        report = json.loads(ended.stdout)
        for finding in report["findings"]:
            self.assertEqual(list(finding), ["level", "subject", "text", "fix"])
            self.assertEqual(finding["fix"] != "", finding["level"] in ("warning", "error"), finding)
        wrong = sum(finding["level"] in ("warning", "error") for finding in report["findings"])
        self.assertEqual(report["wrong"], wrong)
        self.assertEqual(ended.returncode, FAILED if wrong else OK)
        return {one["subject"]: one
                for one in sorted(report["findings"], key=lambda finding: LEVELS.index(finding["level"]))}

    def read(self, path):
        with open(path, encoding="ascii") as file:
            return int(file.readline().split()[0])

    def test_text_and_json_say_the_same(self):
        ended = self.run_weir("doctor")
        lines = ended.stdout.splitlines()
        self.assertRegex(lines[0], r"\Aweir \S+ on \S+ \S+")
        self.assertRegex(lines[-1], r"\A(good|\d+ to change)\Z")
        self.assertEqual(ended.returncode, OK if lines[-1] == "good" else FAILED)
        report = json.loads(self.run_weir("doctor", "--json").stdout)
        said = [line.split()[:2] for line in lines[1:-1] if not line.startswith(" ")]
        self.assertEqual(said, [[one["level"], one["subject"] + ":"] for one in report["findings"]])

    def test_the_transports_are_tested(self):
        finding = self.doctor()["transport"]
        if Settings.is_windows() or io_uring_error():
            self.assertIn(finding["level"], ("ok", "warning"))
        else:
            self.assertEqual(finding["level"], "ok", finding)

    @linux_only("io_uring")
    def test_a_refused_io_uring_is_explained(self):
        finding = self.doctor(launcher=(sys.executable, LAUNCHER, "EPERM"))["transport"]
        self.assertEqual(finding["level"], "warning", finding)
        self.assertIn("uring is not available", finding["text"])
        self.assertIn("EPERM", finding["text"])
        self.assertRegex(finding["fix"], r"seccomp|io_uring_disabled")

    @linux_only("limits")
    def test_the_limit_on_files_is_compared_with_the_sessions(self):
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        self.assertEqual(self.doctor("--sessions", "100")["files"]["level"], "ok")
        finding = self.doctor("--sessions", str(hard))["files"]
        self.assertEqual(finding["level"], "warning")
        self.assertIn(f"the hard limit on open files is {hard},", finding["text"])
        self.assertIn(f"LimitNOFILE={hard + 64}", finding["fix"])

    @linux_only("/proc")
    def test_findings_agree_with_the_system(self):
        findings = self.doctor()
        somaxconn = self.read("/proc/sys/net/core/somaxconn")
        if somaxconn < 4096:
            self.assertEqual(findings["backlog"]["level"], "warning")
            self.assertIn(str(somaxconn), findings["backlog"]["text"])
        rmem_max = self.read("/proc/sys/net/core/rmem_max")
        if rmem_max < 4 << 20:
            self.assertEqual(findings["buffers"]["level"], "warning")
            self.assertIn(str(rmem_max), findings["buffers"]["text"])
        processors = len(os.sched_getaffinity(0))
        if findings["processors"]["level"] == "ok":
            self.assertIn(f"{processors} processors", findings["processors"]["text"])

    def test_wrong_usage_is_refused(self):
        for arguments in (("now",), ("--sessions", "0"), ("--sessions", "many"), ("--jsno",)):
            ended = self.run_weir("doctor", *arguments)
            self.assertEqual((ended.returncode, ended.stdout), (USAGE, ""))
            self.assertTrue(ended.stderr.startswith("weir: "), ended.stderr)


if __name__ == "__main__":
    main()
