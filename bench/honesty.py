#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""honesty.py - checks that weir bench shows it if a server stands still.

    bench/honesty.py build/release/weir [--rate 1000] [--seconds 10]

A server is stopped for one second (SIGSTOP) while weir bench measures it. Open loop: a tenth of the messages of 10 seconds
became due in this second, and waited for its end. So the 99th percentile of the response time is near 0.9 s. Each connection
had one message under way, so the service time shows the pause in only one message per connection. Closed loop: the same one
message per connection, and nothing else. Exit code 0: it is so; 1: it is not.
"""
import argparse
import json
import signal
import subprocess
import sys
import threading
import time

CONNECTIONS = 2
PAUSE_S = 1.0


def start_server(weir):
    server = subprocess.Popen([weir, "serve", "--tcp", "127.0.0.1:0", "--workers", "1"], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True)
    address = next(line for line in server.stdout if line.startswith("listening")).split("addr=")[1].split()[0]
    return server, address


def measure(weir, server, address, seconds, *arguments):
    """Runs weir bench, and stops the server for PAUSE_S in the middle."""
    def pause():
        time.sleep(0.5 + seconds / 2)
        server.send_signal(signal.SIGSTOP)
        time.sleep(PAUSE_S)
        server.send_signal(signal.SIGCONT)
    pausing = threading.Thread(target=pause)
    pausing.start()
    ended = subprocess.run([weir, "bench", "--json", "-n", str(CONNECTIONS), "-d", f"{round(seconds * 1000)}ms", "--warmup",
                            "500ms", *arguments, address], capture_output=True, text=True, check=False)
    pausing.join()
    if ended.returncode != 0:
        sys.exit(f"weir bench ended with {ended.returncode}: {ended.stdout}{ended.stderr}")
    return json.loads(ended.stdout)


def row(name, times):
    cells = (f"{times[key] / 1e6:10.3f}" for key in ("p50", "p90", "p99", "p99_9", "max"))
    return f"{name:32}" + "".join(cells)


class Checks:
    def __init__(self):
        self.failed = False

    def check(self, what, is_so):
        self.failed = self.failed or not is_so
        print(f"{'ok' if is_so else 'WRONG':6} {what}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weir")
    parser.add_argument("--rate", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=10)
    options = parser.parse_args()
    server, address = start_server(options.weir)
    try:
        open_loop = measure(options.weir, server, address, options.seconds, "-r", str(options.rate))
        closed_loop = measure(options.weir, server, address, options.seconds)
    finally:
        server.send_signal(signal.SIGCONT)
        server.terminate()
        server.wait()
    print(f"{'milliseconds':32}" + "".join(f"{name:>10}" for name in ("50 %", "90 %", "99 %", "99.9 %", "max")))
    print(row("open loop, response time", open_loop["response_ns"]))
    print(row("open loop, service time", open_loop["service_ns"]))
    print(row("closed loop, round trip", closed_loop["response_ns"]))
    paused = PAUSE_S / options.seconds  # share of the messages
    expected_s = PAUSE_S * (1 - 0.01 / paused)
    checks = Checks()
    checks.check(f"the response time's p99 is near {expected_s:.1f} s",
                 abs(open_loop["response_ns"]["p99"] / 1e9 - expected_s) < 0.1)
    checks.check("the service time's p99 does not show the pause", open_loop["service_ns"]["p99"] < 1e8)
    checks.check("the longest service time does", open_loop["service_ns"]["max"] > 0.9e9 * PAUSE_S)
    checks.check("every message of the schedule was sent", open_loop["messages"] == round(options.rate * options.seconds))
    checks.check("the closed loop's p99 does not show the pause", closed_loop["response_ns"]["p99"] < 1e8)
    checks.check("the closed loop's longest time does", closed_loop["response_ns"]["max"] > 0.9e9 * PAUSE_S)
    return 1 if checks.failed else 0


if __name__ == "__main__":
    sys.exit(main())
