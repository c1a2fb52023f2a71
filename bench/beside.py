# SPDX-License-Identifier: MIT
"""beside.py - what the benchmarks that put weir beside other servers share: processors, processes, rounds, and the table.
bench/compare has rounds and tables of its own, and shares the rest.

Servers run on the first processor and the load on the others. Each round measures every server once, in an order that
rotates, so that other load of the machine hits all of them. The table shows medians. A second weir, "weir again", is
measured like another server: how far its ratio is from 1 is the noise of the run.
"""
import os
import pathlib
import shutil
import socket
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
TICK = os.sysconf("SC_CLK_TCK")
OWN, AGAIN = "weir", "weir again"


SERVER_CORE, *LOAD_CORES = sorted(os.sched_getaffinity(0))


def pin_load():
    """Keeps this process, and the programs that it starts, off the processor of the servers."""
    if not LOAD_CORES:
        sys.exit("this benchmark needs two processors: one for the server, one for the load")
    os.sched_setaffinity(0, LOAD_CORES)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def has_tcp(port):
    """Whether a program listens there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def has_udp(port):
    return f":{port:04X} 00000000:0000" in pathlib.Path("/proc/net/udp").read_text()


def which(program):
    return shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin")


def descendants(pid):
    found = [pid]
    for at in found:
        for task in pathlib.Path(f"/proc/{at}/task").iterdir():
            found += [int(child) for child in (task / "children").read_text().split()]
    return found


def cpu_s(pids):
    ticks = 0
    for pid in pids:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / TICK


class Servers:
    """Starts each server once: `all` maps its name to its port and its processes."""

    def __init__(self, build, folder):
        self.build, self.folder, self.processes, self.all = build, folder, [], {}

    def start(self, port, *command, env=None, core=SERVER_CORE, is_udp=False):
        """Starts a program on the processor of the servers, waits until it listens, and returns its id."""
        log = self.folder / f"{port}.log"
        with log.open("wb") as output:
            process = subprocess.Popen([str(part) for part in command], stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                       env={**os.environ, **(env or {})}, preexec_fn=lambda: os.sched_setaffinity(0, {core}))
        self.processes.append(process)
        for _ in range(1000):
            if has_udp(port) if is_udp else has_tcp(port):
                return process.pid
            if process.poll() is not None:
                break
            time.sleep(0.01)
        sys.exit(f"does not start: {command}\n{log.read_text()}")

    def weir(self, port, *options):
        return self.start(port, self.build / "weir", "--tcp", f"127.0.0.1:{port}", "--workers", "1", *options)

    def absent(self, name, package):
        print(f"{name} is absent: apt-get install {package}, or scripts/bench", flush=True)

    def stop(self):
        for process in self.processes:
            process.kill()
            process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def load_tool(build, name):
    return next((path for path in (build / "bench" / name, build / name) if path.exists()), None) or \
        sys.exit(f"{build} has no {name}: build it, or run scripts/bench")


def measure(tool, port, pids, arguments):
    """Runs a load tool, which prints how much it did, the seconds, and the number of failures. Returns the rate per second, and
    the microseconds of processor time that the server needed for each."""
    every = [pid for one in pids for pid in descendants(one)]
    before = cpu_s(every)
    ended = subprocess.run([str(part) for part in (tool, port, *arguments)], capture_output=True, text=True)
    if ended.returncode != 0:
        sys.exit(f"{tool} {port} {arguments}: {ended.stderr}")
    count, took, failures = ended.stdout.split()
    if failures != "0":
        print(f"  {failures} failures on port {port}")
    return int(count) / float(took), (cpu_s(every) - before) / max(1, int(count)) * 1e6


def compare(title, unit, servers, rounds, one):
    """Measures every server in each round by one(port, pids), and prints the table."""
    results = {name: [] for name in servers.all}
    names = list(results)
    for round_index in range(rounds):
        for name in names[round_index % len(names):] + names[:round_index % len(names)]:
            results[name].append(one(*servers.all[name]))
    own = statistics.median(rate for rate, _ in results[OWN])
    print(f"\n{title}\n  {'server':12} {unit + '/s':>14} {'least':>10} {'most':>10} {'of weir':>8} {'us of the server':>17}")
    for name, values in results.items():
        rates, costs = zip(*values)
        rate = statistics.median(rates)
        print(f"  {name:12} {rate:14.0f} {min(rates):10.0f} {max(rates):10.0f} {rate / own:8.2f} {statistics.median(costs):17.1f}",
              flush=True)
