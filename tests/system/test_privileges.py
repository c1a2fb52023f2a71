# SPDX-License-Identifier: MIT
"""The program renounces new privileges (no_new_privs) for every command; the library leaves that to its application."""
import os
import re
import subprocess
import sys
import tempfile

from program import compile_program
from weir_process import DEADLINE_S, WeirTest, echo_once, main

LAUNCHER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "refuse_call.py")
LIBRARY_USER = r"""
#include <stdio.h>
#include <sys/prctl.h>
#include <weir/weir.h>
int main(void)
{
    static struct weir_listen listen;
    struct weir_config config;
    struct weir_server *server;
    struct weir_error error;
    int before = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);
    listen.size = sizeof listen;
    listen.address = "127.0.0.1:0";
    weir_config_init(&config);
    if (weir_server_open(&config, &server, &error) != WEIR_OK || weir_server_listen(server, &listen, &error) != WEIR_OK ||
        weir_server_start(server, &error) != WEIR_OK)
        return 1;
    printf("%d %d\n", before, prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
    weir_server_free(server);
    return 0;
}
"""


def no_new_privs(path):
    with open(f"{path}/status") as status:
        return int(re.search(r"^NoNewPrivs:\s+(\d)$", status.read(), re.M)[1])


class Privileges(WeirTest):
    def test_every_thread_renounces(self):
        weir = self.start("--tcp", "127.0.0.1:0", "--workers", "2")
        threads = os.listdir(f"/proc/{weir.pid}/task")
        self.assertGreater(len(threads), 2)
        self.assertEqual({no_new_privs(f"/proc/{weir.pid}/task/{one}") for one in threads}, {1})
        echo_once(weir.tcp)
        weir.stop()

    def test_send_and_frame_renounce(self):
        """The warning shows that they make the call."""
        for arguments in (["frame", "--help"], ["send", "--help"], ["--version"]):
            ended = self.run_weir(*arguments, launcher=(sys.executable, LAUNCHER, "no_new_privs", "EPERM"))
            if "cannot set a seccomp filter" in ended.stderr:
                self.skipTest("seccomp filters are unavailable")
            self.assertEqual(ended.returncode, 0)
            self.assertRegex(ended.stderr, r"\Aweir: warning: cannot set no_new_privs: EPERM \(1\); .+\n\Z")

    def test_a_failing_call_is_not_fatal(self):
        weir = self.start("--tcp", "127.0.0.1:0", launcher=(sys.executable, LAUNCHER, "no_new_privs", "EINVAL"))
        self.assertRegex(weir.log, r"weir: warning: cannot set no_new_privs: EINVAL \(22\); .+\n")
        echo_once(weir.tcp)
        weir.stop()

    def test_the_library_leaves_the_process_alone(self):
        program = compile_program(LIBRARY_USER, "c", self.enterContext(tempfile.TemporaryDirectory()))
        ended = subprocess.run([program], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True,
                               timeout=DEADLINE_S)
        before, after = ended.stdout.split()
        self.assertEqual(before, after)


if __name__ == "__main__":
    main()
