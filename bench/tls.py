#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compares TLS in weir with proxies that terminate it in front of a plain weir, in one run:

    weir: client -> TLS -> weir        others: client -> TLS -> stunnel | nginx | haproxy -> weir

    scripts/bench tls [--seconds 3] [--rounds 5]

Prints handshakes or round trips per second, and the processor time of the server side (with the weir behind a proxy) for
each of them. Every server has one process or worker, and the whole server side shares one processor.
"""
import argparse
import os
import pathlib
import sys
import tempfile

import beside

sys.path.insert(0, str(beside.ROOT / "tests" / "system"))
import certificates  # noqa: E402

MODES = (("full handshakes", "handshakes", "full", 1), ("resumed handshakes", "handshakes", "resumed", 1),
         ("echo of 64 bytes", "round trips", "echo", 64), ("echo of 16 KiB", "round trips", "echo", 16384))


class Servers(beside.Servers):
    def __init__(self, build, folder):
        super().__init__(build, folder)
        pair = certificates.local()
        self.pem = folder / "both.pem"
        self.pem.write_bytes(pathlib.Path(pair.certificate).read_bytes() + pathlib.Path(pair.key).read_bytes())
        for name in (beside.OWN, beside.AGAIN):
            port = beside.free_port()
            self.all[name] = (port, [self.weir(port, "--tls-cert", pair.certificate, "--tls-key", pair.key)])
        for name, program, package, command in (("stunnel", "stunnel4", "stunnel4", self.stunnel),
                                                ("nginx", "nginx", "nginx-light libnginx-mod-stream", self.nginx),
                                                ("haproxy", "haproxy", "haproxy", self.haproxy)):
            if not beside.which(program):
                self.absent(name, package)
                continue
            port, behind = beside.free_port(), beside.free_port()
            plain = self.weir(behind)
            self.all[name] = (port, [self.start(port, *command(port, behind)), plain])

    def stunnel(self, port, behind):
        config = self.folder / "stunnel.conf"
        config.write_text(f"foreground = yes\npid =\ndebug = 3\n[weir]\naccept = 127.0.0.1:{port}\n"
                          f"connect = 127.0.0.1:{behind}\ncert = {self.pem}\n")
        return beside.which("stunnel4"), config

    def nginx(self, port, behind):
        config = self.folder / "nginx.conf"
        module = "/usr/lib/nginx/modules/ngx_stream_module.so"
        load = f"load_module {module};\n" if os.path.exists(module) else ""
        config.write_text(f"{load}daemon off;\nmaster_process off;\npid {self.folder}/pid;\nerror_log stderr;\n"
                          "events { worker_connections 1000; }\n"
                          f"stream {{ server {{ listen 127.0.0.1:{port} ssl; ssl_certificate {self.pem}; "
                          f"ssl_certificate_key {self.pem}; ssl_session_tickets on; ssl_protocols TLSv1.2 TLSv1.3; "
                          f"proxy_pass 127.0.0.1:{behind}; }} }}\n")
        return beside.which("nginx"), "-p", self.folder, "-c", config

    def haproxy(self, port, behind):
        config = self.folder / "haproxy.cfg"
        config.write_text(f"global\n nbthread 1\n maxconn 1000\ndefaults\n mode tcp\n timeout connect 10s\n timeout client 60s\n"
                          f" timeout server 60s\nlisten weir\n bind 127.0.0.1:{port} ssl crt {self.pem}\n"
                          f" server weir 127.0.0.1:{behind}\n")
        return beside.which("haproxy"), "-db", "-f", config


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=beside.ROOT / "build" / "release")
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=16)
    options = parser.parse_args()
    beside.pin_load()
    build = options.build.resolve()
    tool = beside.load_tool(build, "tls_load")
    with tempfile.TemporaryDirectory() as folder, Servers(build, pathlib.Path(folder)) as servers:
        for title, unit, mode, size in MODES:
            beside.compare(title, unit, servers, options.rounds,
                           lambda port, pids, mode=mode, size=size: beside.measure(
                               tool, port, pids, (mode, options.seconds, options.threads, size)))


if __name__ == "__main__":
    main()
