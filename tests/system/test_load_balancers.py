# SPDX-License-Identifier: MIT
"""The PROXY protocol from the programs that send it: HAProxy, nginx and curl. The configurations are those of
docs/filters.md."""
import contextlib
import os
import pathlib
import re
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import unittest

import certificates
from heavy_peers import heavy_peer
from proxy_headers import ask, read_line, read_report
from websocket_frames import TEXT
from websocket_peer import WebSocket
from weir_process import DEADLINE_S, POLL_S, WeirTest, connect, echo, main, module

DOCUMENT = pathlib.Path(__file__).parents[2] / "docs" / "filters.md"
TRUSTED = ("--proxy", "required", "--proxy-from", "127.0.0.1")


def text_of(address):
    return f"[{address[0]}]:{address[1]}" if ":" in address[0] else f"{address[0]}:{address[1]}"


def is_free(host, port):
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        try:
            probe.bind((host, port))
            return True
        except OSError:
            return False


def free_port(*hosts):
    """Returns a port that is free on 127.0.0.1 and on these addresses."""
    while True:
        with socket.socket() as first:
            first.bind(("127.0.0.1", 0))
            port = first.getsockname()[1]
        if all(is_free(host, port) for host in hosts):
            return port


class LoadBalancerTest(WeirTest):
    def start_behind(self, *arguments):
        """Starts weir with the module via behind load balancers of this machine."""
        return self.start("--tcp", "127.0.0.1:0", "--handler", module("via") + "?greet", "--stats", "100ms", "--verbose",
                          *TRUSTED, *arguments)

    def folder(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        return folder.name

    def configuration(self, language, replacements):
        """Writes the document's configuration in this language to a file, and returns its path. Each text in it is
        replaced, and must occur."""
        text = re.search(rf"^```{language}\n(.*?)^```", DOCUMENT.read_text(), re.M | re.S).group(1)
        for old, new in replacements.items():
            self.assertIn(old, text)
            text = text.replace(old, new)
        path = os.path.join(self.folder(), f"{language}.cfg")
        pathlib.Path(path).write_text(text)
        return path

    def run_until_connected(self, command, *addresses):
        """Starts the program and waits until it accepts connections."""
        log = tempfile.TemporaryFile()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

        def end():
            process.kill()
            process.wait()
            log.close()
        self.addCleanup(end)
        deadline = time.monotonic() + DEADLINE_S
        for address in addresses:
            while True:
                self.assertIsNone(process.poll(), os.pread(log.fileno(), 65536, 0).decode(errors="replace"))
                self.assertLess(time.monotonic(), deadline, f"{command[0]} does not listen on {address}")
                try:
                    connect(address, seconds=5).close()
                    break
                except ConnectionRefusedError:
                    time.sleep(POLL_S)

    def client(self, address, **options):
        peer = connect(address, **options)
        self.addCleanup(peer.close)
        return peer

    def assert_named(self, peer, report, version):
        """The report is about this connection to the load balancer."""
        self.assertEqual(report["peer"], text_of(peer.getsockname()))
        self.assertEqual(report["server"], text_of(peer.getpeername()))
        self.assertEqual((report["version"], report["named"]), (str(version), "1"))
        self.assertTrue(report["proxy"].startswith("127.0.0.1:"), report)


@unittest.skipUnless(shutil.which("haproxy"), "haproxy is not installed")
class HAProxy(LoadBalancerTest):
    def start_haproxy(self, weir):
        """Starts HAProxy with all frontends of the configuration; returns their ports by name."""
        folder = self.folder()
        ports = {"game": free_port("::1"), "secure": free_port(), "text": free_port(), "dual": free_port("::")}
        self.socket = os.path.join(folder, "weir.sock")
        self.certificate = os.path.join(folder, "weir.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                        "-subj", "/CN=a.example", "-days", "2", "-keyout", f"{folder}/key", "-out", f"{folder}/chain"],
                       check=True, capture_output=True, timeout=DEADLINE_S)
        pathlib.Path(self.certificate).write_text(
            pathlib.Path(f"{folder}/chain").read_text() + pathlib.Path(f"{folder}/key").read_text())
        path = self.configuration("haproxy", {
            "127.0.0.1:5050": text_of(weir.tcp), "127.0.0.1:7000": f"127.0.0.1:{ports['game']}",
            "[::1]:7000": f"[::1]:{ports['game']}", "127.0.0.1:7443": f"127.0.0.1:{ports['secure']}",
            "/etc/haproxy/weir.pem": self.certificate, "127.0.0.1:7001": f"127.0.0.1:{ports['text']}",
            ":::7002": f":::{ports['dual']}", "/run/haproxy/weir.sock": self.socket, "inter 2s": "inter 50ms"})
        self.run_until_connected(["haproxy", "-db", "-f", path], *(("127.0.0.1", port) for port in ports.values()))
        return ports

    def test_clients_of_each_frontend(self):
        weir = self.start_behind()
        ports = self.start_haproxy(weir)
        for name, host, version in (("game", "127.0.0.1", 2), ("game", "::1", 2), ("text", "127.0.0.1", 1),
                                    ("dual", "::1", 1), ("dual", "127.0.0.1", 1)):
            with self.subTest(name=name, host=host):
                peer = self.client((host, ports[name]))
                self.assert_named(peer, read_report(read_line(peer)), version)  # the greeting
                self.assert_named(peer, ask(peer), version)
        weir.stop()

    def test_client_of_tls(self):
        weir = self.start_behind()
        ports = self.start_haproxy(weir)
        context = ssl.create_default_context(cafile=self.certificate)
        peer = self.client(("127.0.0.1", ports["secure"]))
        own = peer.getsockname()
        with context.wrap_socket(peer, server_hostname="a.example") as secure:
            report = ask_secure(secure)
        self.assertEqual((report["peer"], report["authority"]), (text_of(own), "a.example"))
        self.assertRegex(report["id"], rf"^127\.0\.0\.1-{own[1]}-")
        weir.wait_until("the log has the unique id", lambda: f'unique id "{report["id"]}"' in weir.log)
        weir.stop()

    def test_client_of_a_unix_socket(self):
        """It has no address: HAProxy sends LOCAL, as for a check, but the connection stays open."""
        weir = self.start_behind()
        self.start_haproxy(weir)
        with socket.socket(socket.AF_UNIX) as peer:
            peer.settimeout(DEADLINE_S)
            peer.connect(self.socket)
            report = read_report(read_line(peer))  # the greeting
            self.assertEqual((report["named"], report["version"]), ("0", "2"))
            self.assertEqual(report["proxy"], "-")
            self.assertTrue(report["peer"].startswith("127.0.0.1:"), report)
            self.assertEqual(ask(peer)["peer"], report["peer"])
        weir.stop()

    def test_health_checks(self):
        """They are counted. The handler and the log learn of none. HAProxy finds the server up."""
        weir = self.start_behind()
        ports = self.start_haproxy(weir)
        weir.wait_counted("health_checks", 3)
        self.assertNotIn("begins: tcp 127.0.0.1", checks_only(weir.log))
        peer = self.client(("127.0.0.1", ports["game"]))
        self.assert_named(peer, read_report(read_line(peer)), 2)
        summary = weir.stop().summary
        self.assertEqual((summary["opening_failed_proxy"], summary["closed_proxy"]), (0, 0), summary)

    def test_echo_through_haproxy(self):
        weir = self.start("--tcp", "127.0.0.1:0", *TRUSTED)
        ports = self.start_haproxy(weir)
        threads = [threading.Thread(target=echo, args=(self.client(("127.0.0.1", ports[name])), 300_000, seed))
                   for seed, name in enumerate(("game", "text", "dual") * 3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(DEADLINE_S)
        weir.stop()

    def test_a_haproxy_that_sends_no_header(self):
        """Without send-proxy the client's bytes come first: the log says so."""
        weir = self.start_behind()
        port = free_port()
        path = os.path.join(self.folder(), "haproxy.cfg")
        pathlib.Path(path).write_text(
            "defaults\n mode tcp\n timeout connect 5s\n timeout client 9s\n timeout server 9s\n"
            f"listen x\n bind 127.0.0.1:{port}\n server a {text_of(weir.tcp)}\n")
        self.run_until_connected(["haproxy", "-db", "-f", path], ("127.0.0.1", port))
        peer = self.client(("127.0.0.1", port))
        peer.sendall(b"GET / HTTP/1.1\r\n\r\n")
        weir.wait_until("the log says what came instead", lambda: "there is no PROXY header: the first bytes are ASCII "
                        '"GET / HTTP/1": this is an HTTP request' in weir.log)
        weir.stop()


def checks_only(log):
    """Returns the log without the sessions of the connections that waited for HAProxy to listen."""
    return re.sub(r".*begins: tcp \S+ via .*\n", "", log)


def ask_secure(peer):
    read_line(peer)  # the greeting
    return ask(peer)


class Nginx(LoadBalancerTest):
    @heavy_peer("nginx")
    def test_clients_of_nginx(self):
        weir = self.start_behind()
        port, folder = free_port("::1"), self.folder()
        path = self.configuration("nginx", {
            "127.0.0.1:5050": text_of(weir.tcp), "127.0.0.1:7000": f"127.0.0.1:{port}", "[::1]:7000": f"[::1]:{port}",
            "modules/ngx_stream_module.so": "/usr/lib/nginx/modules/ngx_stream_module.so"})
        settings = f"daemon off; master_process off; pid {folder}/pid; error_log stderr;"
        self.run_until_connected(["nginx", "-p", folder, "-e", "stderr", "-c", path, "-g", settings],
                                 ("127.0.0.1", port), ("::1", port))
        for host in ("127.0.0.1", "::1"):
            with self.subTest(host=host):
                peer = self.client((host, port))
                self.assert_named(peer, read_report(read_line(peer)), 1)
                self.assert_named(peer, ask(peer), 1)
        weir.stop()


class TlsInFront(LoadBalancerTest):
    """The load balancer terminates the TLS of its clients, and sends a PROXY header in front of its own TLS connection to
    weir: clients pass through PROXY protocol, TLS and WebSocket."""

    def start_secure(self):
        """Starts weir with a listener for streams and one for WebSockets."""
        pair = certificates.local()
        return self.start("--tcp", "127.0.0.1:0", "--listen", "tcp://127.0.0.1:0?websocket=/play&origins=*", "--handler",
                          module("via"), "--stats", "100ms", "--verbose", *TRUSTED, "--tls-cert", pair.certificate,
                          "--tls-key", pair.key)

    def assert_served(self, weir, stream_port, web_port, version, at_end=contextlib.nullcontext()):
        """Clients of both listeners are named, and leave without a failure. at_end: around their ends."""
        context = ssl.create_default_context(cafile=certificates.authority().ca)
        peer = self.client(("127.0.0.1", stream_port))
        addresses = text_of(peer.getsockname()), text_of(peer.getpeername())
        with context.wrap_socket(peer, server_hostname="localhost") as secure:
            report = ask(secure)
            self.assertEqual((report["peer"], report["server"], report["version"]), (*addresses, str(version)))
            with at_end:
                self.assertEqual(secure.unwrap().recv(1), b"")  # close_notify, then FIN
        with WebSocket.open(("127.0.0.1", web_port), tls=context) as web:
            web.send(TEXT, b"?")
            opcode, text = web.receive()
            report = read_report(text.decode())
            self.assertEqual((opcode, report["peer"]), (TEXT, text_of(web.peer.getsockname())))
            self.assertEqual((report["version"], report["named"]), (str(version), "1"))
            with at_end:
                web.close()
        weir.wait_counted("closed_peer_done", 2)
        summary = weir.stop().summary
        for failed in ("closed_tls", "closed_proxy", "closed_upgrade", "closed_truncated"):
            self.assertEqual(summary[failed], 0, summary)
        return report

    @unittest.skipUnless(shutil.which("haproxy"), "haproxy is not installed")
    def test_haproxy(self):
        weir = self.start_secure()
        folder, pair, ports = self.folder(), certificates.local(), (free_port(), free_port())
        path, both = os.path.join(folder, "haproxy.cfg"), os.path.join(folder, "local.pem")
        pathlib.Path(both).write_text(pathlib.Path(pair.certificate).read_text() + pathlib.Path(pair.key).read_text())
        services = [f"listen x{port}\n bind 127.0.0.1:{port} ssl crt {both}\n unique-id-format id-%cp\n"
                    f" server a {text_of(weir.address('tcp', at))} ssl verify required verifyhost localhost ca-file "
                    f"{certificates.authority().ca} send-proxy-v2 proxy-v2-options ssl,authority,crc32c,unique-id\n"
                    for at, port in enumerate(ports)]
        pathlib.Path(path).write_text("defaults\n mode tcp\n timeout connect 9s\n timeout client 1h\n timeout server 1h\n" +
                                      "".join(services))
        self.run_until_connected(["haproxy", "-db", "-f", path], *(("127.0.0.1", port) for port in ports))
        report = self.assert_served(weir, *ports, version=2)
        self.assertEqual(report["authority"], "localhost")
        self.assertEqual(report["id"], "id-" + report["peer"].rpartition(":")[2])

    @heavy_peer("nginx")
    def test_nginx(self):
        weir = self.start_secure()
        folder, pair, ports = self.folder(), certificates.local(), (free_port(), free_port())
        path = os.path.join(folder, "nginx.conf")
        servers = [f"server {{ listen 127.0.0.1:{port} ssl; ssl_certificate '{pair.certificate}'; ssl_certificate_key "
                   f"'{pair.key}'; proxy_pass {text_of(weir.address('tcp', at))}; proxy_protocol on; proxy_ssl on; "
                   f"proxy_ssl_verify on; proxy_ssl_name localhost; proxy_ssl_trusted_certificate "
                   f"'{certificates.authority().ca}'; }}\n" for at, port in enumerate(ports)]
        pathlib.Path(path).write_text("load_module /usr/lib/nginx/modules/ngx_stream_module.so;\nevents {}\nstream {\n" +
                                      "".join(servers) + "}\n")
        settings = f"daemon off; master_process off; pid {folder}/pid; error_log stderr;"
        self.run_until_connected(["nginx", "-p", folder, "-e", "stderr", "-c", path, "-g", settings],
                                 *(("127.0.0.1", port) for port in ports))
        # It closes the connections of its clients without close_notify.
        self.assert_served(weir, *ports, version=1, at_end=contextlib.suppress(ssl.SSLEOFError))


@unittest.skipUnless(shutil.which("curl"), "curl is not installed")
class Curl(LoadBalancerTest):
    def test_curl(self):
        weir = self.start("--tcp", "127.0.0.1:0", "--handler", module("via"), *TRUSTED)
        done = subprocess.run(["curl", "--silent", "--show-error", "--haproxy-protocol", "--max-time", str(DEADLINE_S),
                               f"http://{text_of(weir.tcp)}/"], capture_output=True, text=True, timeout=2 * DEADLINE_S)
        self.assertEqual(done.returncode, 0, done.stderr)
        report = read_report(done.stdout)
        self.assertEqual((report["version"], report["named"]), ("1", "1"))
        self.assertEqual(report["peer"], report["proxy"])  # curl names itself
        self.assertEqual(report["server"], text_of(weir.tcp))
        done = subprocess.run(["curl", "--silent", "--show-error", "--max-time", str(DEADLINE_S),
                               f"http://{text_of(weir.tcp)}/"], capture_output=True, text=True, timeout=2 * DEADLINE_S)
        self.assertIn(done.returncode, (52, 56), done.stderr)  # an empty answer, or a reset
        weir.stop()


if __name__ == "__main__":
    main()
