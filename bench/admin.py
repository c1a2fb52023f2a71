#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""admin.py - what the admin server costs the data path: the worker's processor time per echoed message while a client
requests /sessions in a loop, divided by that without requests.

    bench/admin.py build/release/weir build/release/echo_load [--sessions 10000] [--rounds 9] [--echoes 200000]

Both are measured in one run, in turn, so that other programs on the machine disturb both. The worker has --sessions idle
connections besides those that echo. Its time is that of its thread alone: the admin server has another one. The last
column is the ratio of the medians; it should be at most 1.03. "again" is a second measurement without requests: how far its
ratio is from 1 is the noise of the run. The last line needs no comparison: the part of a processor that the requests cost
the same worker without echoes.
"""
import argparse
import http.client
import pathlib
import re
import resource
import socket
import statistics
import subprocess
import threading
import time


def threads_ns(pid):
    """{thread: nanoseconds on a processor}"""
    found = {}
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        found[task.name] = int((task / "schedstat").read_text("ascii").split()[0])
    return found


class Asking(threading.Thread):
    """Requests /sessions in a loop until it is stopped."""

    def __init__(self, address):
        super().__init__(daemon=True)
        self._address, self._over, self.count, self.sessions = address, threading.Event(), 0, 0

    def run(self):
        connection = http.client.HTTPConnection(*self._address)
        while not self._over.is_set():
            connection.request("GET", "/sessions?sort=bytes&limit=100")
            answer = connection.getresponse()
            text = answer.read()
            if answer.status != 200:
                raise SystemExit(f"/sessions: {answer.status} {text!r}")
            self.count += 1
            self.sessions = int(re.search(rb'"all":(\d+)', text)[1])

    def stop(self):
        self._over.set()
        self.join()


def measure(weir, worker, load, port, echoes):
    """Runs the load; returns the worker's nanoseconds per echo."""
    before = threads_ns(weir.pid)[worker]
    subprocess.run([load, str(port), "16", "64", str(echoes)], check=True, stdout=subprocess.DEVNULL)
    return (threads_ns(weir.pid)[worker] - before) / echoes


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weir")
    parser.add_argument("load")
    parser.add_argument("--sessions", type=int, default=10000)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--echoes", type=int, default=200000)
    parser.add_argument("--transport", default="auto")
    arguments = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)

    weir = subprocess.Popen([arguments.weir, "serve", "--tcp", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--workers", "1",
                             "--transport", arguments.transport, "--first-byte-timeout", "off", "--idle-timeout", "off"],
                            stdout=subprocess.PIPE, text=True)
    try:
        lines = []
        while not lines or lines[-1] != "ready\n":
            lines.append(weir.stdout.readline())
        port = int(re.search(r"addr=127\.0\.0\.1:(\d+)", lines[0])[1])
        admin = ("127.0.0.1", int(re.search(r"^admin addr=127\.0\.0\.1:(\d+)", "".join(lines), re.M)[1]))
        idle = [socket.create_connection(("127.0.0.1", port)) for _ in range(arguments.sessions)]
        before = threads_ns(weir.pid)
        subprocess.run([arguments.load, str(port), "16", "64", str(arguments.echoes)], check=True,
                       stdout=subprocess.DEVNULL)
        after = threads_ns(weir.pid)
        worker = max(after, key=lambda thread: after[thread] - before.get(thread, 0))

        plain, again, asked, requests = [], [], [], 0
        for _ in range(arguments.rounds):
            plain.append(measure(weir, worker, arguments.load, port, arguments.echoes))
            asking = Asking(admin)
            asking.start()
            asked.append(measure(weir, worker, arguments.load, port, arguments.echoes))
            asking.stop()
            requests += asking.count
            again.append(measure(weir, worker, arguments.load, port, arguments.echoes))
        asking = Asking(admin)
        alone, since = threads_ns(weir.pid)[worker], time.monotonic_ns()
        asking.start()
        time.sleep(5)
        asking.stop()
        share = (threads_ns(weir.pid)[worker] - alone) / (time.monotonic_ns() - since)
        for peer in idle:
            peer.close()
    finally:
        weir.terminate()
        weir.wait()
    print(f"{arguments.sessions} idle sessions, {requests} requests of /sessions, which listed {asking.sessions} sessions")
    print(f"{'':12} {'ns per echo':>12} {'least':>8} {'most':>8} {'ratio':>6}")
    base = statistics.median(plain)
    for name, values in (("no requests", plain), ("again", again), ("/sessions", asked)):
        median = statistics.median(values)
        print(f"{name:12} {median:12.0f} {min(values):8.0f} {max(values):8.0f} {median / base:6.3f}")
    print(f"without echoes, {asking.count} requests cost the worker {100 * share:.2f} % of a processor")


if __name__ == "__main__":
    main()
