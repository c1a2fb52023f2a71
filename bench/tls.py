#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compares TLS in weir with proxies that terminate it in front of a plain weir, in one run:

    weir: client -> TLS -> weir        others: client -> TLS -> stunnel | nginx | haproxy -> weir

    bench/tls.py [--build build/release] [--seconds 3] [--rounds 5]

Each round measures every server once, so that other load of the machine hits all of them. Prints medians: handshakes or
round trips per second, and the processor time of the server side (with the weir behind a proxy) for each of them. Every
server has one process or worker. Ratios are to be compared, not the numbers, because client and servers share the machine.
"""
import argparse
import os
import pathlib
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "system"))
import certificates  # noqa: E402

MODES = (("full handshake", "full", 1), ("resumed handshake", "resumed", 1), ("echo of 64 bytes", "echo", 64),
         ("echo of 16 KiB", "echo", 16384))
TICK = os.sysconf("SC_CLK_TCK")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


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
    """Starts each server once; name -> (port, its processes)."""

    def __init__(self, build, folder):
        self.build, self.folder, self.processes, self.all = build, folder, [], {}
        pair = certificates.local()
        self.pem = folder / "both.pem"
        self.pem.write_bytes(pathlib.Path(pair.certificate).read_bytes() + pathlib.Path(pair.key).read_bytes())
        port = free_port()
        weir = self.weir(port, "--tls-cert", pair.certificate, "--tls-key", pair.key)
        self.all["weir"] = (port, [weir])
        for name, command in (("stunnel", self.stunnel), ("nginx", self.nginx), ("haproxy", self.haproxy)):
            if not which({"stunnel": "stunnel4"}.get(name, name)):
                print(f"{name} is not installed")
                continue
            port, behind = free_port(), free_port()
            plain = self.weir(behind)
            self.all[name] = (port, [self.start(port, *command(port, behind)), plain])

    def start(self, port, *command):
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=(self.folder / f"{port}.log").open("wb"))
        self.processes.append(process)
        for _ in range(500):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return process.pid
            time.sleep(0.01)
        sys.exit(f"does not start: {command}\n{(self.folder / f'{port}.log').read_text()}")

    def weir(self, port, *options):
        return self.start(port, str(self.build / "weir"), "--tcp", f"127.0.0.1:{port}", "--workers", "1", *options)

    def stunnel(self, port, behind):
        config = self.folder / "stunnel.conf"
        config.write_text(f"foreground = yes\npid =\ndebug = 3\n[weir]\naccept = 127.0.0.1:{port}\n"
                          f"connect = 127.0.0.1:{behind}\ncert = {self.pem}\n")
        return which("stunnel4"), str(config)

    def nginx(self, port, behind):
        config = self.folder / "nginx.conf"
        module = "/usr/lib/nginx/modules/ngx_stream_module.so"
        load = f"load_module {module};\n" if os.path.exists(module) else ""
        config.write_text(f"{load}daemon off;\nmaster_process off;\npid {self.folder}/pid;\nerror_log stderr;\n"
                          "events { worker_connections 1000; }\n"
                          f"stream {{ server {{ listen 127.0.0.1:{port} ssl; ssl_certificate {self.pem}; "
                          f"ssl_certificate_key {self.pem}; ssl_session_tickets on; "
                          f"proxy_pass 127.0.0.1:{behind}; }} }}\n")
        return which("nginx"), "-p", str(self.folder), "-c", str(config)

    def haproxy(self, port, behind):
        config = self.folder / "haproxy.cfg"
        config.write_text(f"global\n nbthread 1\n maxconn 1000\ndefaults\n mode tcp\n timeout connect 10s\n timeout client 60s\n"
                          f" timeout server 60s\nlisten weir\n bind 127.0.0.1:{port} ssl crt {self.pem}\n"
                          f" server weir 127.0.0.1:{behind}\n")
        return which("haproxy"), "-db", "-f", str(config)

    def stop(self):
        for process in self.processes:
            process.kill()
            process.wait()


def measure(build, port, pids, mode, size, seconds, threads):
    every = [pid for one in pids for pid in descendants(one)]
    before = cpu_s(every)
    ended = subprocess.run([build / "bench" / "tls_load" if (build / "bench" / "tls_load").exists() else build / "tls_load",
                            str(port), mode, str(seconds), str(threads), str(size)], check=True, capture_output=True, text=True)
    count, took, failures = ended.stdout.split()
    if failures != "0":
        print(f"{failures} failures on port {port}")
    return int(count) / float(took), (cpu_s(every) - before) / max(1, int(count)) * 1e6


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "release")
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=4)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        servers = Servers(options.build.resolve(), pathlib.Path(folder))
        try:
            for title, mode, size in MODES:
                results = {name: [] for name in servers.all}
                for _ in range(options.rounds):
                    for name, (port, pids) in servers.all.items():
                        results[name].append(measure(options.build.resolve(), port, pids, mode, size, options.seconds,
                                                     options.threads))
                print(f"{title}:")
                own = statistics.median(rate for rate, _ in results["weir"])
                for name, values in results.items():
                    rate, cpu = (statistics.median(column) for column in zip(*values))
                    print(f"  {name:8} {rate:9.0f}/s  weir has {own / rate:5.2f} times as many  {cpu:8.1f} us of the server")
        finally:
            servers.stop()


if __name__ == "__main__":
    main()
