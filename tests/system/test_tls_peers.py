# SPDX-License-Identifier: MIT
"""TLS with the programs that people use: clients of weir, servers for weir send, proxies between the two, and a scanner."""
import contextlib
import os
import re
import select
import shutil
import socket
import ssl
import subprocess
import tempfile
import unittest
import xml.etree.ElementTree

import certificates
from heavy_peers import heavy_peer
from weir_process import DEADLINE_S, Settings, WeirTest, main, pattern_bytes, receive_exactly

TEXT = b"hello over TLS\n"
VERSIONS = ("1.2", "1.3")


def which(program):
    """Returns the path of a program, also of those for administrators."""
    return shutil.which(program, path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"]))


def needs(program):
    """Skips a test if a program is not installed."""
    return unittest.skipUnless(which(program), f"{program} is not installed")


class TlsPeers(WeirTest):
    def setUp(self):
        if not self.has_tls():
            self.skipTest("weir is built without TLS")
        self.pair = certificates.local()
        self.ca = certificates.authority().ca

    def start_tls(self, *arguments, pair=None):
        pair = pair or self.pair
        return self.start("--tcp", "127.0.0.1:0", "--tls-cert", pair.certificate, "--tls-key", pair.key, *arguments)

    def run_client(self, *command, stdin=TEXT):
        """Runs a client that ends with its input. Returns what it printed."""
        ended = subprocess.run(command, input=stdin, capture_output=True, timeout=DEADLINE_S, check=False)
        self.assertEqual(ended.returncode, 0, ended)
        return ended.stdout

    def run_until(self, command, expected, stdin=TEXT):
        """Runs a client that stays after the end of its input, until it has printed the expected bytes."""
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as client:
            self.addCleanup(client.kill)
            client.stdin.write(stdin)
            client.stdin.flush()
            got = self.read_until(client, expected)
            client.stdin.close()
            client.kill()
        return got

    def read_until(self, client, expected):
        got = b""
        while expected not in got:
            self.assertTrue(select.select([client.stdout], [], [], DEADLINE_S)[0], got)
            piece = os.read(client.stdout.fileno(), 65536)
            self.assertTrue(piece, got)
            got += piece
        return got

    def start_program(self, *command, **options):
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                   **options)

        def end():
            process.kill()
            process.wait()
            process.stdin.close()
        self.addCleanup(end)
        return process

    def start_server(self, *command, port, **options):
        """Starts a server, and waits until it listens."""
        process = self.start_program(*command, **options)
        for _ in range(int(DEADLINE_S / 0.05)):
            self.assertIsNone(process.poll(), command)
            if not listens(port):
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(0.05)
                continue
            return process
        self.fail(f"nothing listens on port {port}: {command}")

    def folder(self):
        folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        os.chmod(folder, 0o755)
        return folder

    def write(self, name, text):
        path = os.path.join(self.folder(), name)
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
        return path

    def send(self, *arguments):
        return subprocess.run([Settings.weir, "send", *arguments], stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=DEADLINE_S, check=False)

    def assert_echo(self, address, total=300_000, ends=True):
        """Echoes bytes over TLS by Python, and ends by close_notify in both directions (`ends`)."""
        context = ssl.create_default_context(cafile=self.ca)
        with socket.create_connection(address, timeout=DEADLINE_S) as plain, \
                context.wrap_socket(plain, server_hostname="localhost", suppress_ragged_eofs=False) as peer:
            data = pattern_bytes(total)
            at = 0
            while at < total:
                piece = data[at:at + 60_000]
                peer.sendall(piece)
                self.assertEqual(receive_exactly(peer, len(piece)), piece)
                at += len(piece)
            if ends:
                peer.unwrap()


def listens(port):
    """Returns whether a socket listens on the port of IPv4: without a connection, which would count as a client."""
    with open("/proc/net/tcp", encoding="ascii") as table:
        return any(re.match(rf"\s*\d+: [0-9A-F]{{8}}:{port:04X} 0{{8}}:0000 0A", line) for line in table)


def free_port():
    """Returns a port that no socket had at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Clients(TlsPeers):
    """Programs as clients of weir."""

    def setUp(self):
        super().setUp()
        self.weir = self.start_tls()
        self.port = str(self.weir.tcp[1])

    @needs("openssl")
    def test_openssl(self):
        for version in VERSIONS:
            with self.subTest(version=version):
                output = self.run_until(["openssl", "s_client", "-connect", f"127.0.0.1:{self.port}", "-CAfile", self.ca,
                                         "-verify_return_error", "-verify_hostname", "localhost", "-quiet",
                                         "-tls" + version.replace(".", "_")], TEXT)
                self.assertIn(TEXT, output)

    @needs("openssl")
    def test_openssl_resumes(self):
        """A ticket of the first connection resumes the second one."""
        for version in VERSIONS:
            session = os.path.join(self.folder(), "session")
            command = ["openssl", "s_client", "-connect", f"127.0.0.1:{self.port}", "-CAfile", self.ca,
                       "-tls" + version.replace(".", "_")]
            with self.subTest(version=version):
                self.run_until([*command, "-sess_out", session], TEXT.strip())
                self.assertIn(b"Reused, ", self.run_until([*command, "-sess_in", session], b"Reused, "))

    @needs("openssl")
    def test_openssl_updates_its_keys(self):
        command = ["openssl", "s_client", "-connect", f"127.0.0.1:{self.port}", "-CAfile", self.ca, "-tls1_3"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as client:
            self.addCleanup(client.kill)
            self.read_until(client, b"Verify return code: 0")
            for round_trip in range(3):
                client.stdin.write(b"K\n")  # updates the keys of both sides
                client.stdin.flush()
                self.read_until(client, b"KEYUPDATE")
                client.stdin.write(b"after update %d\n" % round_trip)
                client.stdin.flush()
                self.read_until(client, b"after update %d" % round_trip)
            client.kill()

    @needs("openssl")
    def test_openssl_cannot_renegotiate(self):
        command = ["openssl", "s_client", "-connect", f"127.0.0.1:{self.port}", "-CAfile", self.ca, "-tls1_2"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as client:
            self.addCleanup(client.kill)
            self.read_until(client, b"Verify return code: 0")
            client.stdin.write(b"R\n")
            client.stdin.flush()
            client.wait(DEADLINE_S)
            self.assertNotEqual(client.returncode, 0)
        self.assert_echo(self.weir.tcp)

    @needs("gnutls-cli")
    def test_gnutls(self):
        for priority in ("NORMAL:-VERS-ALL:+VERS-TLS1.2", "NORMAL:-VERS-ALL:+VERS-TLS1.3"):
            with self.subTest(priority=priority):
                output = self.run_client("gnutls-cli", "--x509cafile", self.ca, "--priority", priority,
                                         "--verify-hostname", "localhost", "--port", self.port, "127.0.0.1")
                self.assertIn(TEXT, output)

    @needs("ncat")
    def test_ncat(self):
        output = self.run_until(["ncat", "--ssl-verify", "--ssl-trustfile", self.ca, "localhost", "-4", self.port], TEXT)
        self.assertEqual(output, TEXT)

    @needs("socat")
    def test_socat(self):
        output = self.run_client("socat", "-t", str(DEADLINE_S), "-",
                                 f"OPENSSL:127.0.0.1:{self.port},cafile={self.ca},commonname=localhost")
        self.assertEqual(output, TEXT)

    @needs("curl")
    def test_curl(self):
        """An HTTP client: the handler sends the time and closes. Curl reports an end without close_notify as an error."""
        weir = self.start_tls("--handler", "time")
        output = self.run_client("curl", "--silent", "--show-error", "--http0.9", "--cacert", self.ca,
                                 f"https://localhost:{weir.tcp[1]}/")
        self.assertRegex(output, rb"\A\d{4}-\d\d-\d\d")

    def test_python(self):
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context = ssl.create_default_context(cafile=self.ca)
            context.minimum_version = context.maximum_version = version
            with self.subTest(version=version.name), socket.create_connection(self.weir.tcp, DEADLINE_S) as plain, \
                    context.wrap_socket(plain, server_hostname="localhost", suppress_ragged_eofs=False) as peer:
                peer.sendall(TEXT)
                self.assertEqual(receive_exactly(peer, len(TEXT)), TEXT)
                peer.unwrap()  # raises without weir's close_notify

    @heavy_peer("node")
    def test_node(self):
        """Node ends its side first (close_notify and FIN), and gets every answer nevertheless."""
        program = """
            const tls = require('tls'), fs = require('fs');
            const [port, ca] = process.argv.slice(1), data = Buffer.alloc(300000, 'weir');
            let got = Buffer.alloc(0);
            const peer = tls.connect({port, host: '127.0.0.1', servername: 'localhost', ca: fs.readFileSync(ca)},
                                     () => peer.end(data));
            peer.on('data', piece => { got = Buffer.concat([got, piece]); });
            peer.on('end', () => { console.log(peer.getProtocol(), got.equals(data)); });
        """
        self.assertEqual(self.run_client("node", "-e", program, self.port, self.ca), b"TLSv1.3 true\n")


class Servers(TlsPeers):
    """Programs as servers for weir send."""

    def setUp(self):
        super().setUp()
        self.port = free_port()

    def assert_answer(self, expected=TEXT, *arguments):
        ended = self.send("--tls-ca", self.ca, "--raw", *arguments, f"localhost:{self.port}", TEXT.decode())
        self.assertEqual((ended.returncode, ended.stdout, ended.stderr), (0, expected, b""))

    @needs("openssl")
    def test_openssl(self):
        """With -rev the server sends each line back in reverse."""
        for version in VERSIONS:
            self.port = free_port()
            with self.subTest(version=version):
                self.start_server("openssl", "s_server", "-accept", f"127.0.0.1:{self.port}", "-cert",
                                  self.pair.certificate, "-key", self.pair.key, "-rev", "-naccept", "1",
                                  "-tls" + version.replace(".", "_"), port=self.port)
                # s_server leaves its side open, so the end of the answers is a pause.
                self.assert_answer(TEXT.strip()[::-1] + b"\n", "--wait", "500ms")

    @needs("socat")
    def test_socat(self):
        self.start_server("socat", "-t", str(DEADLINE_S), f"OPENSSL-LISTEN:{self.port},bind=127.0.0.1,"
                          f"cert={self.pair.certificate},key={self.pair.key},verify=0", "EXEC:cat", port=self.port)
        # socat may end without close_notify; the codec shows where the answer ends.
        ended = self.send("--tls-ca", self.ca, "--codec", "line", f"localhost:{self.port}", "one", "two")
        self.assertEqual((ended.returncode, ended.stdout, ended.stderr), (0, b"one\ntwo\n", b""))

    @needs("ncat")
    def test_ncat(self):
        self.start_server("ncat", "--ssl", "--ssl-cert", self.pair.certificate, "--ssl-key", self.pair.key, "--listen",
                          "--exec", "/bin/cat", "127.0.0.1", str(self.port), port=self.port)
        # ncat closes when the client ends its side, and loses answers, so the client waits for them.
        ended = self.send("--tls-ca", self.ca, "--codec", "line", "--wait", "500ms", f"localhost:{self.port}", "one", "two")
        self.assertEqual((ended.returncode, ended.stdout, ended.stderr), (0, b"one\ntwo\n", b""))

    @needs("gnutls-serv")
    def test_gnutls(self):
        self.start_server("gnutls-serv", "--echo", "--x509certfile", self.pair.certificate, "--x509keyfile",
                          self.pair.key, "--port", str(self.port), "--disable-client-cert", port=self.port)
        ended = self.send("--tls-ca", self.ca, "--codec", "line", f"localhost:{self.port}", "one")
        self.assertEqual((ended.returncode, ended.stdout, ended.stderr), (0, b"one\n", b""))

    @heavy_peer("node")
    def test_node(self):
        """The port comes on stdout, since node chooses it."""
        program = """
            const tls = require('tls'), fs = require('fs'), [cert, key] = process.argv.slice(1);
            const server = tls.createServer({cert: fs.readFileSync(cert), key: fs.readFileSync(key), allowHalfOpen: true},
                                            peer => peer.pipe(peer));
            server.listen(0, '127.0.0.1', () => console.log(server.address().port));
        """
        with subprocess.Popen(["node", "-e", program, self.pair.certificate, self.pair.key], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE) as server:
            self.addCleanup(server.kill)
            self.port = int(server.stdout.readline())
            self.assert_answer()
            server.kill()


class Proxies(TlsPeers):
    """Programs between weir and its clients, which decrypt, encrypt, or both."""

    def setUp(self):
        super().setUp()
        self.port = free_port()
        self.pem = self.write("both.pem", read(self.pair.certificate) + read(self.pair.key))

    @heavy_peer("stunnel4")
    def test_stunnel_as_client(self):
        """plain client -> stunnel -> TLS -> weir"""
        weir = self.start_tls()
        config = self.write("stunnel.conf", f"foreground = yes\npid =\n[weir]\nclient = yes\naccept = 127.0.0.1:{self.port}\n"
                            f"connect = 127.0.0.1:{weir.tcp[1]}\nCAfile = {self.ca}\nverifyChain = yes\n"
                            "checkHost = localhost\n")
        self.start_server("stunnel4", config, port=self.port)
        ended = self.send("--raw", f"127.0.0.1:{self.port}", TEXT.decode())
        self.assertEqual((ended.returncode, ended.stdout, ended.stderr), (0, TEXT, b""))

    @heavy_peer("stunnel4")
    def test_stunnel_as_server(self):
        """weir send -> TLS -> stunnel -> weir"""
        weir = self.start("--tcp", "127.0.0.1:0")
        config = self.write("stunnel.conf", f"foreground = yes\npid =\n[weir]\naccept = 127.0.0.1:{self.port}\n"
                            f"connect = 127.0.0.1:{weir.tcp[1]}\ncert = {self.pem}\n")
        self.start_server("stunnel4", config, port=self.port)
        ended = self.send("--tls-ca", self.ca, "--raw", f"localhost:{self.port}", TEXT.decode())
        self.assertEqual((ended.returncode, ended.stdout, ended.stderr), (0, TEXT, b""))

    def start_haproxy(self, frontend, backend):
        config = self.write("haproxy.cfg", f"""global
    maxconn 100
defaults
    mode tcp
    timeout connect {DEADLINE_S}s
    timeout client {DEADLINE_S}s
    timeout server {DEADLINE_S}s
listen weir
    bind 127.0.0.1:{self.port} {frontend}
    server weir 127.0.0.1:{backend}
""")
        self.start_server(which("haproxy"), "-db", "-f", config, port=self.port)

    @needs("haproxy")
    def test_haproxy_decrypts(self):
        weir = self.start("--tcp", "127.0.0.1:0")
        self.start_haproxy(f"ssl crt {self.pem}", str(weir.tcp[1]))
        self.assert_echo(("127.0.0.1", self.port))

    @needs("haproxy")
    def test_haproxy_encrypts_again(self):
        weir = self.start_tls()
        self.start_haproxy(f"ssl crt {self.pem}", f"{weir.tcp[1]} ssl verify required ca-file {self.ca} "
                                                  "sni str(localhost) verifyhost localhost")
        self.assert_echo(("127.0.0.1", self.port))

    @needs("haproxy")
    def test_haproxy_passes_tls_on(self):
        weir = self.start_tls()
        self.start_haproxy("", str(weir.tcp[1]))
        self.assert_echo(("127.0.0.1", self.port))

    @needs("haproxy")
    def test_haproxy_checks_the_health_by_tls(self):
        """The check is a handshake, and then the end: the server is used only if it succeeds."""
        weir = self.start_tls("--stats", "100ms")
        self.start_haproxy("", f"{weir.tcp[1]} check check-ssl verify required ca-file {self.ca} check-sni localhost "
                               "inter 200ms")
        weir.wait_counted("accepted", 3)
        self.assert_echo(("127.0.0.1", self.port))

    def start_nginx(self, listen, proxy):
        folder = self.folder()
        os.chmod(self.pem, 0o644)
        modules = "/usr/lib/nginx/modules/ngx_stream_module.so"
        load = f"load_module {modules};\n" if os.path.exists(modules) else ""
        config = self.write("nginx.conf", f"""{load}daemon off;
master_process off;
pid {folder}/pid;
error_log stderr;
events {{ worker_connections 100; }}
stream {{
    server {{
        listen 127.0.0.1:{self.port} {listen};
        {proxy}
    }}
}}
""")
        self.start_server(which("nginx"), "-p", folder, "-c", config, port=self.port)

    @heavy_peer("nginx")
    def test_nginx_decrypts(self):
        weir = self.start("--tcp", "127.0.0.1:0")
        self.start_nginx("ssl", f"ssl_certificate {self.pem}; ssl_certificate_key {self.pem}; "
                                f"proxy_pass 127.0.0.1:{weir.tcp[1]};")
        self.assert_echo(("127.0.0.1", self.port), ends=False)  # nginx closes without close_notify

    @heavy_peer("nginx")
    def test_nginx_encrypts(self):
        """plain client -> nginx -> TLS -> weir"""
        weir = self.start_tls()
        self.start_nginx("", f"proxy_ssl on; proxy_ssl_verify on; proxy_ssl_trusted_certificate {self.ca}; "
                             f"proxy_ssl_name localhost; proxy_pass 127.0.0.1:{weir.tcp[1]};")
        with socket.create_connection(("127.0.0.1", self.port), DEADLINE_S) as peer:
            peer.sendall(TEXT)
            self.assertEqual(receive_exactly(peer, len(TEXT)), TEXT)


def read(path):
    with open(path, encoding="ascii") as file:
        return file.read()


class Scanner(TlsPeers):
    """What a scanner finds: docs/filters.md lists the same."""

    @heavy_peer("sslscan")
    def test_sslscan(self):
        """The findings of sslscan: old protocols, weak ciphers, compression, renegotiation, Heartbleed, weak keys."""
        for kind in ("ec", "rsa"):
            pair = certificates.authority().issue(f"scanned {kind}", names=("localhost",), addresses=("127.0.0.1",), kind=kind)
            weir = self.start_tls(pair=pair)
            with self.subTest(kind=kind):
                output = self.run_client("sslscan", "--xml=-", "--show-certificate", "--no-colour",
                                         f"127.0.0.1:{weir.tcp[1]}", stdin=b"")
                self.check(xml.etree.ElementTree.fromstring(output).find("ssltest"))
            weir.stop()

    def check(self, report):
        enabled = {f"{item.get('type')}{item.get('version')}" for item in report.findall("protocol")
                   if item.get("enabled") == "1"}
        self.assertEqual(enabled, {"tls1.2", "tls1.3"})
        for name in ("compression", "renegotiation"):  # no element: not supported
            self.assertEqual([item.attrib for item in report.findall(name) if item.get("supported") != "0"], [])
        self.assertEqual([item.attrib for item in report.findall("heartbleed") if item.get("vulnerable") != "0"], [])
        ciphers = report.findall("cipher")
        self.assertTrue(ciphers)
        for item in ciphers:  # the others are weak, medium, anonymous and null
            self.assertIn(item.get("strength"), ("strong", "acceptable"), item.attrib)
        for item in ciphers:
            if item.get("sslversion") == "TLSv1.2":
                self.assertRegex(item.get("cipher"), r"\AECDHE-(ECDSA|RSA)-(AES\d+-GCM-SHA\d+|CHACHA20-POLY1305)")
        for item in report.findall("group"):
            self.assertGreaterEqual(int(item.get("bits")), 112, item.attrib)


if __name__ == "__main__":
    main()
