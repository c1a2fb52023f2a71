# SPDX-License-Identifier: MIT
"""Link-local addresses: listened on, connected to and printed with their interface. The test runs in a network namespace of
its own, whose loopback interface has link-local addresses."""
import os
import shutil
import socket
import subprocess
import sys

from weir_process import DEADLINE_S, Settings, WeirTest, main

SKIPPED = 77
USAGE, UNAVAILABLE = 64, 69
PREPARE = ("ip link set lo up && ip address add fe80::1/64 dev lo nodad && ip address add fe80::2/64 dev lo nodad"
           " && exec \"$@\"")


def enter_own_network():
    """Starts this program again in its own network namespace; exits if the system does not allow that."""
    if os.environ.get("WEIR_OWN_NETWORK"):
        return
    for unshare in (["unshare", "-n"], ["unshare", "-U", "-r", "-n"]):
        command = [*unshare, "sh", "-c", PREPARE, "sh"]
        if all(map(shutil.which, ("unshare", "ip"))) and \
                subprocess.run([*command, "true"], capture_output=True, timeout=DEADLINE_S, check=False).returncode == 0:
            os.environ["WEIR_OWN_NETWORK"] = "1"
            os.execvp(command[0], [*command, sys.executable, *sys.argv])
    print("skipped: no network namespace, or no command ip")
    sys.exit(SKIPPED)


class LinkLocal(WeirTest):
    def send(self, *arguments):
        return subprocess.run([Settings.weir, "send", *arguments], stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=DEADLINE_S, check=False)

    def test_the_interface_is_used_and_printed(self):
        index = socket.if_nametoindex("lo")
        for written in ("[fe80::1%lo]:0", f"[fe80::1%{index}]:0"):
            weir = self.start("--tcp", written, "--udp", written, "-l", "tcp://[fe80::1%25lo]:0?codec=line")
            self.assertEqual([one.host for one in weir.listeners], ["fe80::1%lo"] * 3)
            tcp, udp, lines = (one.port for one in weir.listeners)
            for address in (f"[fe80::1%lo]:{tcp}", f"[fe80::1%{index}]:{tcp}", f"tcp://[fe80::1%25lo]:{tcp}",
                            f"tcp://[fe80::1%25lo]:{lines}?codec=line", f"udp://[fe80::1%25{index}]:{udp}"):
                with self.subTest(address=address):
                    ended = self.send(address, "hello")
                    self.assertEqual((ended.returncode, ended.stdout, ended.stderr), (0, b"hello\n", b""))
            weir.stop()

    def test_a_client_is_logged_with_its_interface(self):
        weir = self.start("--tcp", "[fe80::1%lo]:0", "--deny", "fe80::2")
        with socket.socket(socket.AF_INET6) as peer:
            peer.bind(("fe80::2", 0, 0, socket.if_nametoindex("lo")))
            peer.connect(("fe80::1", weir.tcp[1], 0, socket.if_nametoindex("lo")))
            weir.wait_until("the refusal is logged", lambda: "refused [fe80::2%lo]:" in weir.log)
        weir.stop()

    def test_errors_name_the_interface(self):
        for address, code, pattern in (
                ("[fe80::1]:0", UNAVAILABLE, r"a link-local address needs its interface: \[fe80::1%eth0\]:"),
                ("[fe80::9%lo]:0", UNAVAILABLE, r"\[fe80::9%lo\]:0: no interface has this address"),
                ("[fe80::1%4000]:0", UNAVAILABLE, r"\[fe80::1%4000\]:0: .*ENODEV.*; see the interfaces with"),
                ("[fe80::1%nonesuch]:0", USAGE, "there is no interface \"nonesuch\"; see the interfaces with"),
                ("[::%lo]:0", USAGE, "only a link-local address")):
            with self.subTest(address=address):
                ended = self.run_weir("--tcp", address, transport=True)
                self.assertEqual((ended.returncode, ended.stdout), (code, ""), ended.stderr)
                self.assertRegex(ended.stderr, rf"\Aweir: .*{pattern}.*\n\Z")
        ended = self.send("[fe80::1%4000]:7", "x")
        self.assertEqual(ended.returncode, UNAVAILABLE)


if __name__ == "__main__":
    enter_own_network()
    main()
