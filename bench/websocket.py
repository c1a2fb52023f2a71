#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compares echo and broadcast over WebSocket in weir, ws (Node.js) and libwebsockets, in one run:

    scripts/bench websocket [--seconds 3] [--rounds 5]

Prints round trips or delivered messages per second, and the processor time of the server for each. The servers are the same
small program on each library (websocket_weir.c, websocket_ws.js, websocket_lws.c), with one thread on one processor, and
without compression.
"""
import argparse
import pathlib
import shlex
import subprocess
import tempfile

import beside

HERE = pathlib.Path(__file__).resolve().parent
NODE_MODULES = "/usr/share/nodejs:/usr/lib/nodejs"

MODES = (("echo of 64 bytes, 64 connections", "round trips", "echo", 64, 64),
         ("echo of 16 KiB, 64 connections", "round trips", "echo", 64, 16384),
         ("broadcast of 64 bytes to 200 members", "deliveries", "broadcast", 200, 64),
         ("broadcast of 4 KiB to 200 members", "deliveries", "broadcast", 200, 4096))


def compile_lws(folder):
    """Returns the server on libwebsockets; None: it is not installed."""
    found = subprocess.run(["pkg-config", "--cflags", "--libs", "libwebsockets"], capture_output=True, text=True)
    if found.returncode != 0:
        return None
    program = folder / "websocket_lws"
    subprocess.run(["cc", "-O2", "-o", program, HERE / "websocket_lws.c", *shlex.split(found.stdout)], check=True)
    return program


def has_ws():
    return beside.which("node") and subprocess.run(["env", f"NODE_PATH={NODE_MODULES}", "node", "-e", "require('ws')"],
                                                   capture_output=True).returncode == 0


class Servers(beside.Servers):
    def __init__(self, build, folder, mode, lws):
        super().__init__(build, folder)
        weir = beside.load_tool(build, "websocket_weir")
        for name in (beside.OWN, beside.AGAIN):
            self.add(name, mode, weir)
        if has_ws():
            self.add("ws", mode, "node", HERE / "websocket_ws.js", env={"NODE_PATH": NODE_MODULES})
        else:
            self.absent("ws", "nodejs node-ws")
        if lws:
            self.add("libwebsockets", mode, lws)
        else:
            self.absent("libwebsockets", "libwebsockets-dev")

    def add(self, name, mode, *command, env=None):
        port = beside.free_port()
        self.all[name] = (port, [self.start(port, *command, port, mode, env=env)])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=beside.ROOT / "build" / "release")
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    beside.pin_load()
    build = options.build.resolve()
    tool = beside.load_tool(build, "websocket_load")
    with tempfile.TemporaryDirectory() as folder:
        lws = compile_lws(pathlib.Path(folder))
        for title, unit, mode, connections, size in MODES:
            with Servers(build, pathlib.Path(folder), mode, lws) as servers:
                beside.compare(title, unit, servers, options.rounds,
                               lambda port, pids, one=(mode, options.seconds, connections, size): beside.measure(
                                   tool, port, pids, one))


if __name__ == "__main__":
    main()
