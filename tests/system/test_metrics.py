# SPDX-License-Identifier: MIT
"""GET /metrics: both formats, read by other people's strict readers, and compared with docs/operating.md."""
import pathlib
import re
import subprocess
import sys
import unittest

from admin_http import request
from heavy_peers import heavy_peer
from weir_process import DEADLINE_S, WeirTest, connect, linux_only, main, receive_exactly, udp_socket

OPENMETRICS = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
OPERATING = pathlib.Path(__file__).resolve().parents[2] / "docs" / "operating.md"
LABELS = {"proto", "why", "step", "reason", "worker", "listener", "address", "handler", "name", "result", "version", "le"}
STRICT_READER = """
import sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families
for family in text_string_to_metric_families(sys.stdin.read()):
    for sample in family.samples:
        print(family.name, family.type, sample.name, sorted(sample.labels.items()), float(sample.value), sep="\\t")
"""


def python_with_reader():
    """The Python that has Debian's package python3-prometheus-client: this one, or the system's; None: none has."""
    for python in (sys.executable, "/usr/bin/python3"):
        try:
            if subprocess.run([python, "-c", "import prometheus_client"], capture_output=True, check=False).returncode == 0:
                return python
        except OSError:
            pass
    return None


def samples(text):
    """{name with labels: value} of the text format."""
    found = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            name, value = line.rsplit(" ", 1)
            if name in found:
                raise AssertionError(f"{name} is there twice")
            found[name] = float(value)
    return found


def types(text):
    return dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.M))


class Metrics(WeirTest):
    def setUp(self):
        self.weir = self.start("--tcp", "127.0.0.1:0", "--udp", "127.0.0.1:0", "--workers", "2", "--admin", "127.0.0.1:0")

    def read(self, accept=None):
        answer = request(self.weir.admin, "/metrics", **({"Accept": accept} if accept else {}))
        self.assertEqual(answer.status, 200)
        return answer

    def test_text(self):
        answer = self.read()
        self.assertEqual(answer.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8")
        self.assertNotIn("# EOF", answer.body)
        for name, kind in types(answer.body).items():
            self.assertEqual(name.endswith("_total"), kind == "counter", name)
            self.assertRegex(name, r"^(weir|process)_[a-z_]+$")
            self.assertNotRegex(name, r"_(ms|us|ns|milliseconds|kb|mb)(_|$)")
        for name in samples(answer.body):
            self.assertLessEqual(set(re.findall(r'(\w+)="', name)), LABELS, name)

    @linux_only("promtool is a program of Linux")
    @heavy_peer("promtool")
    def test_promtool(self):
        checked = subprocess.run(["promtool", "check", "metrics"], input=self.read().body, capture_output=True, text=True,
                                 timeout=DEADLINE_S, check=False)
        self.assertEqual((checked.returncode, checked.stdout, checked.stderr), (0, "", ""))

    @unittest.skipUnless(python_with_reader(), "python3-prometheus-client is not installed")
    def test_openmetrics(self):
        """The strict reader accepts it, and it has the samples of the text format."""
        answer = self.read(OPENMETRICS)
        self.assertEqual(answer.headers["content-type"], "application/openmetrics-text; version=1.0.0; charset=utf-8")
        self.assertTrue(answer.body.endswith("\n# EOF\n"))
        read = subprocess.run([python_with_reader(), "-c", STRICT_READER], input=answer.body, capture_output=True, text=True,
                              timeout=DEADLINE_S, check=False)
        self.assertEqual(read.returncode, 0, read.stderr)
        families = {line.split("\t")[0]: line.split("\t")[1] for line in read.stdout.splitlines()}
        text = self.read().body
        self.assertEqual({name.removesuffix("_total"): kind for name, kind in types(text).items()}, families)
        self.assertEqual(len(read.stdout.splitlines()), len(samples(text)))

    def test_documented(self):
        """The table in docs/operating.md has exactly the metrics of a server, and those that appear only with TLS, in a
        cluster or after a reload; the types are right."""
        rows = re.findall(r"^\| `((?:weir|process)_\w+)`(?: ([a-z, ]+))? \| (counter|gauge|histogram) \|",
                          OPERATING.read_text("utf-8"), re.M)
        documented = {name: kind for name, _, kind in rows}
        self.assertEqual(len(rows), len(documented), "a metric is documented twice")
        only_sometimes = {name for name in documented if re.match("weir_(cluster|tls|config)_|process_max_fds", name)}
        shown = types(self.read().body)
        self.assertEqual({name: documented.get(name) for name in shown}, shown)
        self.assertLessEqual(set(documented) - set(shown), only_sometimes)

    def test_histograms(self):
        """Their buckets are cumulative, the last one is the count, and handlers are sampled."""
        with connect(self.weir.tcp) as peer:
            def is_sampled():
                peer.sendall(b"x")
                self.assertEqual(receive_exactly(peer, 1), b"x")
                return samples(self.read().body)['weir_handler_seconds_count{listener="1",handler="echo"}'] > 0
            self.weir.wait_until("a call is sampled", is_sampled)
        text = self.read().body
        now = samples(text)
        for name, kind in types(text).items():
            if kind != "histogram":
                continue
            series = {}
            for sample, value in now.items():
                if sample.startswith(name + "_bucket"):
                    bound = re.search(r'le="([^"]+)"', sample)[1]
                    labels = re.sub(r',?le="[^"]+"', "", sample).replace("{}", "")
                    series.setdefault(labels.replace("_bucket", "_count"), []).append((float(bound), value))
            self.assertTrue(series, name)
            for count, buckets in series.items():
                self.assertEqual(buckets, sorted(buckets), count)
                self.assertEqual([value for _, value in buckets], sorted(value for _, value in buckets), count)
                self.assertEqual(buckets[-1], (float("inf"), now[count]), count)
        self.assertGreater(sum(value for name, value in now.items() if name.startswith("weir_loop_iteration_seconds_count")), 0)

    def test_values(self):
        """They count what happens; nothing about a peer becomes a label."""
        before = samples(self.read().body)
        with connect(self.weir.tcp) as peer, udp_socket(self.weir.udp) as datagrams:
            peer.sendall(b"hello")
            self.assertEqual(receive_exactly(peer, 5), b"hello")
            datagrams.send(b"hi")
            self.assertEqual(datagrams.recv(100), b"hi")
            port = peer.getsockname()[1]
            self.weir.wait_until("it is counted", lambda: samples(self.read().body)[
                'weir_sent_messages_total{proto="udp"}'] == 1)
            text = self.read().body
        now = samples(text)
        for name, grown in (("weir_sessions_accepted_total", 1), ('weir_received_bytes_total{proto="tcp"}', 5),
                            ('weir_received_bytes_total{proto="udp"}', 2), ('weir_sent_bytes_total{proto="tcp"}', 5)):
            self.assertEqual(now[name] - before[name], grown, name)
        self.assertEqual(sum(value for name, value in now.items() if name.startswith("weir_worker_sessions_open")), 1)
        self.assertEqual(now["weir_ready"], 1)
        self.assertNotIn(f":{port}", text)
        self.weir.wait_until("the session ends", lambda: samples(self.read().body)[
            'weir_sessions_closed_total{reason="peer_done"}'] == 1)

    @linux_only("the figures of /proc")
    def test_process(self):
        now = samples(self.read().body)
        self.assertGreater(now["process_resident_memory_bytes"], 1 << 20)
        self.assertGreater(now["process_open_fds"], 5)
        self.assertGreater(now["process_max_fds"], now["process_open_fds"])
        started = now["process_start_time_seconds"]
        uptime = float(pathlib.Path("/proc/uptime").read_text("ascii").split()[0])
        self.assertGreater(started, 1.6e9)
        self.assertLess(now["process_cpu_seconds_total"], uptime)


if __name__ == "__main__":
    main()
