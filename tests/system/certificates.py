# SPDX-License-Identifier: MIT
"""Certificates for tests of TLS, made by the program openssl in a temporary folder.

    certificates = Certificates()       # once per process
    server = certificates.issue("server", names=("localhost",), addresses=("127.0.0.1",))
    server.certificate, server.key      # files in PEM
    certificates.ca                     # the file that clients trust
"""
import collections
import functools
import os
import shutil
import subprocess
import tempfile
import atexit

Pair = collections.namedtuple("Pair", "certificate key")


def _openssl(*arguments):
    subprocess.run(["openssl", *arguments], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                   stderr=subprocess.PIPE, timeout=60)


class Certificates:
    """A certificate authority."""

    def __init__(self, name="test CA"):
        self._folder = tempfile.mkdtemp()
        atexit.register(shutil.rmtree, self._folder, ignore_errors=True)
        self._ca_key = self.path("ca.key")
        self.ca = self.path("ca.pem")
        self._make_key(self._ca_key, "ec")
        _openssl("req", "-x509", "-new", "-key", self._ca_key, "-sha256", "-days", "30", "-subj", f"/CN={name}",
                 "-addext", "basicConstraints=critical,CA:true", "-addext", "keyUsage=critical,keyCertSign,cRLSign",
                 "-out", self.ca)

    def path(self, name):
        return os.path.join(self._folder, name)

    @staticmethod
    def _make_key(path, kind):
        options = ["RSA", "-pkeyopt", "rsa_keygen_bits:2048"] if kind == "rsa" else \
            ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"]
        _openssl("genpkey", "-algorithm", *options, "-out", path)

    def issue(self, common_name, names=(), addresses=(), kind="ec", days=10, usage="serverAuth,clientAuth"):
        """Issues a certificate. Negative days: it has expired."""
        base = f"{common_name.replace('*', 'any')}-{kind}-{days}"
        pair = Pair(self.path(base + ".pem"), self.path(base + ".key"))
        self._make_key(pair.key, kind)
        subjects = ",".join([f"DNS:{name}" for name in names] + [f"IP:{address}" for address in addresses])
        with open(self.path(base + ".ext"), "w", encoding="ascii") as extensions:
            extensions.write("basicConstraints=critical,CA:false\nkeyUsage=critical,digitalSignature\n"
                             f"extendedKeyUsage={usage}\n" + (f"subjectAltName={subjects}\n" if subjects else ""))
        _openssl("req", "-new", "-key", pair.key, "-subj", f"/CN={common_name}", "-out", self.path(base + ".csr"))
        _openssl("x509", "-req", "-in", self.path(base + ".csr"), "-CA", self.ca, "-CAkey", self._ca_key,
                 "-CAcreateserial", "-sha256", "-days", str(days), "-extfile", extensions.name, "-out", pair.certificate)
        return pair


@functools.cache
def authority():
    """Returns the certificate authority of this process."""
    return Certificates()


@functools.cache
def local():
    """Returns a server's certificate for this machine."""
    return authority().issue("local server", names=("localhost", "weir.test"), addresses=("127.0.0.1", "::1"))


@functools.cache
def expired():
    return authority().issue("expired server", names=("localhost",), addresses=("127.0.0.1",), days=-1)


@functools.cache
def client():
    """Returns a client's certificate."""
    return authority().issue("alice")


@functools.cache
def stranger():
    """Returns a certificate for this machine of an authority that no client trusts."""
    return Certificates("unknown CA").issue("stranger", names=("localhost",), addresses=("127.0.0.1",))
