# SPDX-License-Identifier: MIT
"""compare_measure.py - measures one server of bench/compare under the load of one row.

    timed()         peer_load for a window after a warm-up: processor time, rates, latencies
    memory()        what 10,000 idle connections add to the server's own memory, after one echo on each
    syscalls()      strace counts while a fixed number of echoes runs
    instructions()  single steps per echo (tools/instructions), with one message in flight
    together()      the same by callgrind with 50 connections, which are all ready while it slows the server down

The last four do not depend on what else the machine does.
"""
import argparse
import importlib.machinery
import importlib.util
import json
import os
import pathlib
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time

import beside
import compare_rows

sys.path.insert(0, str(beside.ROOT / "tests" / "system"))
import count_syscalls  # noqa: E402

IDLE_CONNECTIONS = 10000
COUNTED_ECHOES = 20000
STEPPED_ROUNDS = 24


def load_instructions():
    loader = importlib.machinery.SourceFileLoader("instructions", str(beside.ROOT / "tools" / "instructions"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("instructions", loader))
    loader.exec_module(module)
    return module


INSTRUCTIONS = load_instructions()


def timed(contestants, name, row, warm_ms, window_ms):
    """What peer_load prints, as a dict, with "util": the part of a processor that the server used."""
    running = contestants.start(name, row.kind)
    try:
        words = compare_rows.load_words(row, running.port, running.pids, warm_ms, window_ms, running.overrides)
        ended = subprocess.run([contestants.tool("peer_load"), *words], capture_output=True, text=True, timeout=120)
        if ended.returncode != 0:
            raise OSError(f"{name}: {ended.stderr.strip()}")
    finally:
        running.servers.stop()
    result = json.loads(ended.stdout)
    return result | {"util": round(result["cpu_ns"] / result["seconds"] / 1e9, 3)}


def figure_of(row, result):
    """The figure that decides a timed row: nanoseconds per message, or of the median latency."""
    return result["p50_ns"] if row.figure == "p50" else result["cpu_ns"] / max(1, result["messages"])


# ---- counts ----


class Load:
    """A peer_load that waits at its gate: connected, before it sends; then after the last answer."""

    def __init__(self, contestants, running, row, **settings):
        words = compare_rows.load_words(row, running.port, running.pids, 0, 0, {**running.overrides, **settings, "gate": 1})
        self.process = subprocess.Popen([contestants.tool("peer_load"), *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)
        self.expect("ready")

    def expect(self, opening):
        line = self.process.stdout.readline()
        if not line.startswith(opening):
            raise OSError(f"the load has ended: {line}{self.process.stderr.read()}")

    def go(self):
        """Sends all messages and waits for the last answer. The connections stay."""
        print(file=self.process.stdin, flush=True)
        self.expect("{")
        self.expect("ready")

    def end(self):
        self.process.kill()
        self.process.communicate()


def user_bytes(pids):
    """The processes' own memory: anonymous and shared pages, without those of files."""
    kib = 0
    for pid in pids:
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
        kib += sum(int(re.search(rf"^{name}:\s+(\d+)", status, re.M)[1]) for name in ("RssAnon", "RssShmem"))
    return kib * 1024


def memory(contestants, name, row):
    """The median of three servers: allocators differ from run to run."""
    counts = [memory_once(contestants, name, row) for _ in range(3)]
    return {"count": statistics.median(counts), "counts": counts}


def memory_once(contestants, name, row):
    running = contestants.start(name, row.kind)
    loads = []
    try:
        loads.append(Load(contestants, running, row, connections=1, messages=1))
        loads[0].go()
        before = user_bytes(running.pids)
        loads.append(Load(contestants, running, row, connections=IDLE_CONNECTIONS, messages=IDLE_CONNECTIONS))
        loads[1].go()
        return round((user_bytes(running.pids) - before) / IDLE_CONNECTIONS)
    finally:
        running.servers.stop()
        for load in loads:
            load.end()


def syscalls(contestants, name, row):
    running = contestants.start(name, row.kind)
    load = None
    try:
        load = Load(contestants, running, row, messages=COUNTED_ECHOES)
        with tempfile.NamedTemporaryFile("r") as report:
            strace = count_syscalls.attach(argparse.Namespace(pid=running.pids[0]), report.name)
            load.go()
            strace.send_signal(signal.SIGINT)
            strace.wait(count_syscalls.DEADLINE_S)
            strace.stderr.close()
            calls = count_syscalls.read_calls(report.read())
        each = {call: round(count / COUNTED_ECHOES, 3) for call, count in sorted(calls.items(), key=lambda pair: -pair[1])
                if count >= COUNTED_ECHOES / 1000}
        return {"count": round(sum(calls.values()) / COUNTED_ECHOES, 3), "calls": each}
    finally:
        running.servers.stop()
        if load:
            load.end()


class SteppedPeer(INSTRUCTIONS.Server):
    """A server of bench/compare, as tools/instructions drives one."""

    def __init__(self, contestants, name, kind):
        self._running = contestants.start(name, kind)
        self.port, self.process = self._running.port, self._running.servers.processes[-1]
        self.log = tempfile.TemporaryFile()
        self._open_threads()

    def kill(self):
        self._running.servers.stop()
        self.log.close()
        for stat, syscall in self.threads:
            os.close(stat)
            os.close(syscall)
        self.threads = []


def count_steps(contestants, name, row):
    """Instructions per echo between two idle moments."""
    client = INSTRUCTIONS.Echo([], INSTRUCTIONS.PAYLOAD)
    server = SteppedPeer(contestants, name, row.kind)
    try:
        client.connect(server)
        server.wait_idle()
        INSTRUCTIONS.play(server, client, INSTRUCTIONS.WARM_UP)
        with INSTRUCTIONS.stepped(argparse.Namespace(helpers=contestants.build), server) as instructions:
            server.wait_idle()
            INSTRUCTIONS.play(server, client, INSTRUCTIONS.WARM_UP_STEPPED)
            before = instructions()
            INSTRUCTIONS.play(server, client, STEPPED_ROUNDS)
            return (instructions() - before) / STEPPED_ROUNDS
    finally:
        server.kill()
        client.close()


def own_instructions(contestants, name, tool_row):
    """weir, as tools/instructions measures it: without the noise of clock and keys."""
    command = [sys.executable, beside.ROOT / "tools" / "instructions", "--json", "--row", tool_row, "--transport", name.split()[1],
               "--weir", contestants.tool("weir"), "--helpers", contestants.build]
    ended = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if ended.returncode != 0:
        raise OSError(ended.stderr.strip())
    return json.loads(ended.stdout)["rows"][0]["instructions"]


def instructions(contestants, name, row):
    if name.startswith("weir "):
        return {"count": own_instructions(contestants, name, "tcp_echo")}
    return {"count": round(count_steps(contestants, name, row), 1)}


def callgrind_total(contestants, name, row, messages):
    """The instructions of a server from its start to that number of messages."""
    output = contestants.folder / "callgrind.out"
    running = contestants.start(name, row.kind, ["valgrind", "--quiet", "--tool=callgrind", f"--callgrind-out-file={output}"])
    load = None
    try:
        load = Load(contestants, running, row, messages=messages)
        load.go()
        process = running.servers.processes[-1]
        process.send_signal(signal.SIGVTALRM)  # no server handles it: valgrind writes its counts
        process.wait(count_syscalls.DEADLINE_S)
        return int(re.search(r"^totals: (\d+)$", output.read_text(), re.M)[1])
    finally:
        running.servers.stop()
        if load:
            load.end()


def together(contestants, name, row):
    """Half of the longer run cancels the start."""
    if name.startswith("weir "):
        return {"count": own_instructions(contestants, name, "tcp_echo_50")}
    if name in NO_CALLGRIND:
        return {"failed": NO_CALLGRIND[name]}
    short = callgrind_total(contestants, name, row, COUNTED_ECHOES)
    return {"count": round((callgrind_total(contestants, name, row, 2 * COUNTED_ECHOES) - short) / COUNTED_ECHOES, 1)}


NO_CALLGRIND = {"ring": "valgrind does not know io_uring", "node": "valgrind is too slow for it",
                "go": "valgrind does not run it reliably"}
COUNTS = {"memory": memory, "syscalls": syscalls, "instructions": instructions, "instructions-50": together}


def counted(contestants, row_name, row, name):
    """The count of one server; {"failed": why} if it cannot be counted."""
    try:
        return COUNTS[row_name](contestants, name, row)
    except (OSError, SystemExit, subprocess.TimeoutExpired, INSTRUCTIONS.Skip, INSTRUCTIONS.Failure) as error:
        return {"failed": str(error).splitlines()[0] if str(error) else type(error).__name__}
