# SPDX-License-Identifier: MIT
"""compare_peers.py - the servers of bench/compare: how each is built and started, and which rows it takes part in.

A server of bench/peers is `PROGRAM PORT MODE`. "idiomatic" is what the documentation of the library shows, "tuned" is its
fastest form with the same kernel interface. All have one thread, or one processor, and listen on 127.0.0.1.
"""
import collections
import os
import pathlib
import shlex
import shutil
import subprocess

import beside
import compare_rows

HERE = pathlib.Path(__file__).resolve().parent
SOURCES = HERE / "peers"
BASE, AGAIN = "bare", "bare again"

# modes: {kind of a row: the second argument of the program}. note: one phrase for the table of the document.
Peer = collections.namedtuple("Peer", "program modes package note")

ECHO = {"echo": "echo", "framed": "echo", "low": "echo"}
TUNED = {"echo": "echo-tuned", "framed": "echo-tuned", "low": "echo-tuned"}
PEERS = {
    "ring": Peer("uring_echo", {**ECHO, "broadcast": "broadcast"}, "", "bare io_uring loop"),
    "mmsg": Peer("udp_echo", {"udp": "mmsg", "udp-peers": "mmsg"}, "", "bare loop of recvmmsg and sendmmsg"),
    "libuv": Peer("libuv_echo", {**ECHO, "broadcast": "broadcast", "udp": "udp", "udp-peers": "udp"}, "libuv1-dev",
                  "malloc for each read, uv_write"),
    "libuv tuned": Peer("libuv_echo", {**TUNED, "udp": "udp-tuned", "udp-peers": "udp-tuned"}, "libuv1-dev",
                        "one buffer, uv_try_write; UDP in batches"),
    "libevent": Peer("libevent_echo", {**ECHO, "broadcast": "broadcast"}, "libevent-dev", "bufferevents"),
    "libevent tuned": Peer("libevent_echo", TUNED, "libevent-dev", "events, recv and send"),
    "libev": Peer("libev_echo", ECHO, "libev-dev", "watchers, recv and send"),
    "asio": Peer("asio_echo", {**ECHO, "udp": "udp", "udp-peers": "udp"}, "libboost-dev",
                 "Boost.Asio, async_read_some and async_write"),
    "node": Peer("node_echo.js", {**ECHO, "broadcast": "broadcast", "udp": "udp"}, "nodejs", "Node.js, net and dgram"),
    "go": Peer("go_echo", {**ECHO, "broadcast": "broadcast", "udp": "udp", "udp-peers": "udp"}, "golang-go",
               "a goroutine per connection, GOMAXPROCS=1"),
}
COMPILED = {  # program: (compiler, options, a header or a tool that must be there)
    "libuv_echo": ("cc", ["-std=c17", "-D_GNU_SOURCE"], "-luv", "libuv_echo.c"),
    "libevent_echo": ("cc", ["-std=c17", "-D_GNU_SOURCE"], "-levent", "libevent_echo.c"),
    "libev_echo": ("cc", ["-std=c17", "-D_GNU_SOURCE", "-fno-strict-aliasing"], "-lev", "libev_echo.c"),
    "asio_echo": ("c++", ["-std=c++17"], "-lpthread", "asio_echo.cpp"),
}
PROGRAMS = {  # servers that are programs of their own: (kind, program, package, note)
    "nginx": ("proxy", "nginx", "nginx-light libnginx-mod-stream", "stream module, one worker"),
    "haproxy": ("proxy", "haproxy", "haproxy", "mode tcp, one thread"),
    "redis": ("ping", "redis-server", "redis-server", "PING; parses a command"),
    "mosquitto": ("broadcast", "mosquitto", "mosquitto", "MQTT, QoS 0, one topic"),
}
NOTES = {
    BASE: "bare epoll loop (UDP: recvfrom and sendto): the 1.00 of each table",
    AGAIN: "the same, measured like another server: the noise",
    "weir uring": "weir on io_uring; sessions, counters, timers, limits", "weir epoll": "weir on epoll, likewise",
    "weir relay": "examples/relay_tcp on weir",
    "weir uring spin": "with --spin auto", "weir epoll spin": "with --spin auto",
    "weir uring sessions": "with a session per peer", "weir epoll sessions": "with a session per peer",
    **{name: peer.note for name, peer in PEERS.items()}, **{name: program[3] for name, program in PROGRAMS.items()},
}


def base_of(name):
    """The server to which the ratio of `name` is formed: weir with UDP sessions is compared with weir without."""
    return name.removesuffix(" sessions") if name.endswith(" sessions") else BASE


def compile_peers(folder):
    """Compiles what is not up to date. Returns {program: why it is absent}."""
    folder.mkdir(parents=True, exist_ok=True)
    absent = {}
    for program, (compiler, options, library, source) in COMPILED.items():
        command = [compiler, "-O2", *options, "-o", folder / program, SOURCES / source, *shlex.split(library)]
        compile_one(program, command, [SOURCES / source, SOURCES / "peer.h"], folder, absent)
    compile_one("go_echo", ["go", "build", "-o", folder / "go_echo", SOURCES / "go_echo.go"], [SOURCES / "go_echo.go"], folder,
                absent, {"GOCACHE": str(folder / "go-cache"), "GO111MODULE": "off"})
    if not shutil.which("node"):
        absent["node_echo.js"] = "node is not installed"
    return absent


def compile_one(program, command, sources, folder, absent, env=None):
    made = folder / program
    if made.exists() and made.stat().st_mtime > max(source.stat().st_mtime for source in sources):
        return
    if not shutil.which(command[0]):
        absent[program] = f"{command[0]} is not installed"
        return
    ended = subprocess.run([str(word) for word in command], capture_output=True, text=True, env={**os.environ, **(env or {})})
    if ended.returncode != 0:
        absent[program] = (ended.stderr.strip().splitlines() or ["does not compile"])[0]


class Running:
    """One started server. `pids`: the processes whose time is measured."""

    def __init__(self, servers, port, pids, overrides=None):
        self.servers, self.port, self.pids, self.overrides = servers, port, pids, overrides or {}


class Contestants:
    """Knows the servers of each row, and starts one of them."""

    def __init__(self, build, folder, only):
        self.build, self.folder, self.only = build, folder, only
        self.absent = {}
        wanted = [peer for name, peer in PEERS.items() if not only or name in only]
        missing = compile_peers(build / "bench" / "peers") if any(peer.package for peer in wanted) else {}
        for name, peer in PEERS.items():
            if peer in wanted and peer.program in missing:
                self.absent[name] = f"{missing[peer.program]} (package {peer.package})"
        for name, (_, program, package, _) in PROGRAMS.items():
            if (not only or name in only) and not beside.which(program):
                self.absent[name] = f"{program} is not installed (package {package})"

    def names(self, kind):
        """The servers of a row, in the order of a round."""
        names = [BASE, AGAIN, *self._own(kind)]
        names += [name for name, peer in PEERS.items() if kind in peer.modes]
        names += [name for name, program in PROGRAMS.items() if program[0] == kind]
        return [name for name in names if name not in self.absent and (not self.only or name in self.only or
                                                                       name in (BASE, AGAIN))]

    @staticmethod
    def _own(kind):
        own = ["weir uring", "weir epoll"]
        if kind == "proxy":
            return ["weir relay"] # its transport is selected at run time
        variant = {"udp-peers": "sessions", "low": "spin"}.get(kind)
        return own + [f"{name} {variant}" for name in own] if variant else own

    def command(self, name, kind, port):
        """(words, environment) of a server that is one process."""
        if name in (BASE, AGAIN):
            return ([self.tool("udp_echo"), port, "udp"] if kind.startswith("udp") else
                    [self.tool("epoll_echo"), port, "broadcast" if kind == "broadcast" else "echo"]), {}
        if name.startswith("weir "):
            return self._weir_command(*name.split()[1:], kind=kind, port=port), {}
        if name in PROGRAMS:
            return getattr(self, f"_{name}")(port), {}
        peer = PEERS[name]
        if peer.program.endswith(".js"):
            return [shutil.which("node"), SOURCES / peer.program, port, peer.modes[kind]], {}
        return [self.tool(peer.program), port, peer.modes[kind]], {"GOMAXPROCS": "1"} if name == "go" else {}

    def tool(self, name):
        return next((path for path in (self.build / "bench" / "peers" / name, self.build / "bench" / name) if path.exists()),
                    None) or beside.load_tool(self.build, name)

    def _weir_command(self, transport, variant="", *, kind, port):
        if kind == "broadcast":
            return [self.tool("weir_broadcast"), port, transport]
        at = f"127.0.0.1:{port}"
        options = ["--udp", at] if kind.startswith("udp") else ["--tcp", at]
        if kind == "framed":
            options += ["--codec", "u32be"]
        if variant == "sessions": # a rate limit needs a session for each peer; this one is never reached
            options += ["--message-rate", "1000000"]
        if variant == "spin":
            options += ["--spin", "auto"]
        return [self.tool("weir"), *options, "--workers", "1", "--transport", transport]

    # ---- programs of their own ----

    def _nginx(self, port, behind):
        config = self.folder / f"nginx{port}.conf"
        module = "/usr/lib/nginx/modules/ngx_stream_module.so"
        load = f"load_module {module};\n" if os.path.exists(module) else ""
        config.write_text(f"{load}daemon off;\nmaster_process off;\npid {self.folder}/nginx.pid;\nerror_log stderr;\n"
                          "events { worker_connections 4096; }\nstream { server { "
                          f"listen 127.0.0.1:{port}; tcp_nodelay on; proxy_pass 127.0.0.1:{behind}; }} }}\n")
        return [beside.which("nginx"), "-p", self.folder, "-c", config]

    def _haproxy(self, port, behind):
        config = self.folder / f"haproxy{port}.cfg"
        config.write_text("global\n nbthread 1\n maxconn 4096\ndefaults\n mode tcp\n timeout connect 10s\n timeout client 60s\n"
                          f" timeout server 60s\nlisten all\n bind 127.0.0.1:{port}\n server one 127.0.0.1:{behind}\n")
        return [beside.which("haproxy"), "-db", "-f", config]

    @staticmethod
    def _redis(port):
        return [beside.which("redis-server"), "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]

    def _mosquitto(self, port):
        config = self.folder / f"mosquitto{port}.conf"
        config.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\nlog_dest none\n")
        return [beside.which("mosquitto"), "-c", config]

    def _proxy_command(self, name, port, behind):
        if name in PROGRAMS:
            return getattr(self, f"_{name}")(port, behind)
        return [self.build / "examples" / "bin" / "relay_tcp", f"127.0.0.1:{port}", f"127.0.0.1:{behind}"]

    # ---- starting ----

    def start(self, name, kind, launcher=()):
        """Starts a server, by a launcher such as valgrind; the caller calls stop() of its `servers`."""
        servers, port = beside.Servers(self.build, self.folder), beside.free_port()
        try:
            if kind == "proxy" and name not in (BASE, AGAIN):
                behind = beside.free_port()
                servers.start(behind, self.tool("epoll_echo"), behind, "echo", core=beside.LOAD_CORES[0])
                return Running(servers, port, [servers.start(port, *self._proxy_command(name, port, behind))])
            words, env = self.command(name, kind, port)
            pid = servers.start(port, *launcher, *words, env=env, is_udp=kind.startswith("udp"))
            return Running(servers, port, beside.descendants(pid), OVERRIDES.get(name))
        except BaseException:
            servers.stop()
            raise


OVERRIDES = {  # what the load sends to servers with a protocol of their own
    "redis": {"request": compare_rows.PING, "response": compare_rows.PONG},
    "mosquitto": {"request": compare_rows.MQTT_MESSAGE, "hello": compare_rows.MQTT_HELLO, "hello_answer": 9},
}
