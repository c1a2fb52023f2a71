# SPDX-License-Identifier: MIT
"""Files that the program writes (--port-file): whatever is at the path, only a file is replaced; a failure leaves nothing
behind; and no file of an earlier run survives a start that fails. Everything happens in folders of the tests."""
import contextlib
import json
import os
import socket
import stat
import subprocess
import sys
import tempfile
import textwrap
import threading

from weir_process import DEADLINE_S, SANITIZED, Settings, WeirTest, echo_once, linux_only, main, path_for_weir, stop_signals

OK, USAGE, CANNOT_START, LOST, WRONG_SETTING = 0, 64, 69, 74, 78
LISTENERS = ("--tcp", "127.0.0.1:0", "--udp", "127.0.0.1:0")
LONG = "9" * 5000 + "\n"  # longer than what replaces it
CLONE_NEWNS, MS_RDONLY, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 0x20000, 1, 0x20, 0x1000, 0x4000, 0x40000


class PortFileTest(WeirTest):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.path = os.path.join(self.folder, "ports")

    def make(self, text=LONG, path=None):
        with open(path or self.path, "w", encoding="ascii") as file:
            file.write(text)

    def read(self, path=None):
        with open(path or self.path, "rb") as file:
            return file.read()

    def names(self):
        return sorted(os.listdir(self.folder))

    def serve(self, path=None, arguments=LISTENERS, **options):
        """Starts a server with this port file; returns it and the text that the file must have."""
        weir = self.start(*arguments, "--port-file", path_for_weir(path or self.path), **options)
        return weir, "".join(f"{one.port}\n" for one in weir.listeners).encode()

    def assert_written(self, names=("ports",), path=None, **options):
        weir, wanted = self.serve(path, **options)
        self.assertEqual(self.read(), wanted)
        self.assertEqual(self.names(), sorted(names))
        echo_once(weir.tcp)
        weir.stop()
        self.assertEqual(self.read(), wanted)

    def assert_fails(self, code, cause, *arguments, path=None, names=(), **options):
        """The start fails with this code and one line; these names are left in the folder."""
        path = path_for_weir(path) if path is not None else path_for_weir(self.path)
        ended = self.run_weir(*LISTENERS, *arguments, "--port-file", path, transport=True, **options)
        self.assertEqual((ended.returncode, ended.stdout), (code, ""), ended.stderr)
        self.assertRegex(ended.stderr, r"\Aweir: .+\n\Z", "one line")
        self.assertRegex(ended.stderr, cause)
        self.assertEqual(self.names(), sorted(names))


class Files(PortFileTest):
    def test_a_new_file_and_one_of_an_earlier_run(self):
        for text in (None, LONG, ""):
            with self.subTest(earlier=text):
                if text is not None:
                    self.make(text)
                self.assert_written()

    def test_a_relative_name(self):
        weir, wanted = self.serve("ports", launcher=("env", f"--chdir={self.folder}")) if not Settings.is_windows() else \
            self.serve()
        self.assertEqual((self.read(), self.names()), (wanted, ["ports"]))
        weir.stop()

    def test_no_earlier_file_survives_a_failed_start(self):
        """Whatever fails after the command line has been read."""
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            for code, arguments in ((CANNOT_START, ("--tcp", "127.0.0.1:%d" % taken.getsockname()[1])),
                                    (WRONG_SETTING, ("--tcp", "127.0.0.1:0", "--handler", "./missing.so")),
                                    (WRONG_SETTING, ("--tcp", "127.0.0.1:0", "--codec", "nonesuch"))):
                with self.subTest(arguments=arguments):
                    self.make()
                    self.assert_fails(code, "weir: ", *arguments)

    def test_a_usage_error_touches_no_file(self):
        self.make()
        self.assert_fails(USAGE, "unknown option", "--nothing-like-it", names=("ports",))
        self.assertEqual(self.read(), LONG.encode())

    def test_a_file_without_a_listener_that_reports_ready(self):
        """Nothing waits for a server that could not print "ready", so its ports are removed."""
        if Settings.is_windows():
            self.skipTest("test_lost_output.py closes stdout there")
        with open("/dev/full", "wb") as full:
            weir = self.launch(*LISTENERS, "--port-file", self.path, stdout=full)
            self.assertEqual(weir.wait_end().code, LOST)
        self.assertEqual(self.names(), [])

    def test_paths_that_name_no_file(self):
        os.mkdir(os.path.join(self.folder, "sub"))
        for path, code, cause in (("sub", CANNOT_START, "folder"), ("sub/", CANNOT_START, "folder"),
                                  ("new/", CANNOT_START, "folder"),
                                  ("absent/ports", CANNOT_START, "check that its folder exists and is writable")):
            with self.subTest(path=path):
                self.assert_fails(code, cause, path=os.path.join(self.folder, path), names=("sub",))
        self.assertEqual(os.listdir(os.path.join(self.folder, "sub")), [])

    def test_names_that_are_missing(self):
        for name, cause in (("", "--port-file needs the name of a file"), ("-", r"--port-file -: name a file; \./-")):
            ended = self.run_weir(*LISTENERS, "--port-file", name)
            self.assertEqual((ended.returncode, ended.stdout), (USAGE, ""))
            self.assertRegex(ended.stderr, rf"\Aweir: {cause}.*\n\Z")

    def test_the_last_of_two_files_is_written(self):
        other = os.path.join(self.folder, "other")
        self.make(path=other)
        self.assert_written(("other", "ports"), arguments=(*LISTENERS, "--port-file", path_for_weir(other)))
        self.assertEqual(self.read(other), LONG.encode())

    def test_two_servers_with_the_same_file(self):
        """Each writes a whole file, under a temporary name of its own."""
        weirs = [self.launch(*LISTENERS, "--port-file", path_for_weir(self.path)) for _ in range(4)]
        for weir in weirs:
            weir.wait_ready()
        wanted = ["".join(f"{one.port}\n" for one in weir.listeners).encode() for weir in weirs]
        self.assertIn(self.read(), wanted)
        self.assertEqual(self.names(), ["ports"])

    def test_a_killed_server_leaves_its_file_and_nothing_else(self):
        weir, wanted = self.serve()
        weir.kill()
        self.assertEqual((self.read(), self.names()), (wanted, ["ports"]))

    def test_lines_end_in_lf(self):
        weir, _ = self.serve()
        self.assertRegex(self.read(), rb"\A\d+\n\d+\n\Z")
        weir.stop()


@linux_only("permissions and links of Linux")
class LinuxFiles(PortFileTest):
    def mode(self):
        return stat.S_IMODE(os.stat(self.path).st_mode)

    def test_permissions(self):
        """Those of any new file; a file that is replaced keeps its own."""
        for umask, wanted in ((0o022, 0o644), (0o077, 0o600)):
            with self.subTest(umask=umask):
                self.serve(launcher=("sh", "-c", f'umask {umask:o}; exec "$@"', "-"))[0].stop()
                self.assertEqual(self.mode(), wanted)
                os.remove(self.path)
        self.make()
        os.chmod(self.path, 0o640)
        self.assert_written()
        self.assertEqual(self.mode(), 0o640)

    def test_a_symlink_stays_and_its_target_is_replaced(self):
        os.mkdir(os.path.join(self.folder, "sub"))
        target = os.path.join(self.folder, "sub", "target")
        for link, exists in (("sub/target", True), ("sub/target", False), (target, True), ("link2", True)):
            with self.subTest(link=link, exists=exists):
                if exists:
                    self.make(path=target)
                os.symlink(link, self.path)
                names = ["ports", "sub"]
                if link == "link2":
                    os.symlink("./sub/../sub/target", os.path.join(self.folder, "link2"))
                    names.append("link2")
                self.assert_written(names)
                self.assertTrue(os.path.islink(self.path))
                self.assertEqual(os.listdir(os.path.dirname(target)), ["target"])
                os.remove(target)
                os.remove(self.path)

    def test_links_that_lead_nowhere(self):
        os.symlink("ports", self.path)
        self.assert_fails(CANNOT_START, "ELOOP", names=("ports",))
        os.remove(self.path)
        os.symlink(".", self.path)
        self.assert_fails(CANNOT_START, "folder", names=("ports",))

    def test_a_link_of_another_user_is_not_followed(self):
        """In a folder like /tmp, another user can make links. The kernel would not follow them, either."""
        if os.geteuid() != 0:
            self.skipTest("only root can make a link of another user")
        victim, shared = os.path.join(self.folder, "victim"), os.path.join(self.folder, "shared")
        os.mkdir(shared)
        os.chmod(shared, 0o1777)
        self.make(path=victim)
        for target in ("../victim", "../absent"):
            with self.subTest(target=target):
                link = os.path.join(shared, "ports")
                os.symlink(target, link)
                os.lchown(link, 65534, 65534)
                self.assert_fails(CANNOT_START, "EACCES", path=link, names=("shared", "victim"))
                self.assertEqual((self.read(victim), os.listdir(shared)), (LONG.encode(), ["ports"]))
                os.remove(link)

    def test_temporary_names_are_not_followed(self):
        """The name that earlier versions used is a link to a file, which must stay."""
        victim = os.path.join(self.folder, "victim")
        self.make(path=victim)
        os.symlink("victim", self.path + ".part")
        self.assert_written(("ports", "ports.part", "victim"))
        self.assertEqual(self.read(victim), LONG.encode())

    def test_another_name_of_the_file_keeps_the_earlier_text(self):
        self.make()
        os.link(self.path, os.path.join(self.folder, "other"))
        self.assert_written(("other", "ports"))
        self.assertEqual(self.read(os.path.join(self.folder, "other")), LONG.encode())

    def test_a_file_in_a_folder_that_is_not_writable(self):
        """A writable file is written where it is; otherwise the start fails."""
        if os.geteuid() != 0:
            self.skipTest("needs a second user, which only root can become")
        self.make()
        os.chown(self.path, 65534, 65534)
        for folder in (self.folder, os.path.dirname(Settings.weir)):
            if not os.stat(folder).st_mode & 0o001:
                os.chmod(folder, 0o755) if folder == self.folder else self.skipTest(f"{folder} is private")
        as_nobody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
        if subprocess.run([*as_nobody, Settings.weir, "--version"], capture_output=True, check=False).returncode != 0:
            self.skipTest("another user cannot run this program")
        inode = os.stat(self.path).st_ino
        self.assert_written(launcher=as_nobody)
        self.assertEqual(os.stat(self.path).st_ino, inode)
        os.chmod(self.path, 0o400)
        self.assert_fails(CANNOT_START, "EACCES", names=("ports",), launcher=as_nobody)
        os.remove(self.path)
        self.assert_fails(CANNOT_START, r"EACCES\); check that its folder exists and is writable", launcher=as_nobody)


@linux_only("devices, FIFOs and sockets of Linux")
class Specials(PortFileTest):
    def assert_kind(self, kind):
        self.assertEqual(stat.S_IFMT(os.lstat(self.path).st_mode), kind)
        self.assertEqual(self.names(), ["ports"])

    def test_a_fifo_is_written(self):
        """The reader can come before the server, or after it."""
        for reads_first in (True, False):
            with self.subTest(reads_first=reads_first):
                os.mkfifo(self.path)
                got = []
                reader = threading.Thread(target=lambda: got.append(self.read()), daemon=True)
                if reads_first:
                    reader.start()
                weir = self.launch(*LISTENERS, "--port-file", self.path, "--log-flush", f"{DEADLINE_S}s")
                if not reads_first:
                    reader.start()
                weir.wait_ready()
                reader.join(DEADLINE_S)
                self.assertEqual(got, ["".join(f"{one.port}\n" for one in weir.listeners).encode()])
                self.assert_kind(stat.S_IFIFO)
                weir.stop()
                os.remove(self.path)

    def test_a_fifo_without_a_reader(self):
        os.mkfifo(self.path)
        self.assert_fails(LOST, r"ENXIO\); start the program that reads it first", names=("ports",))
        self.assert_kind(stat.S_IFIFO)

    def test_a_fifo_whose_reader_does_not_read(self):
        os.mkfifo(self.path)
        reader = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK)
        self.addCleanup(os.close, reader)
        writer = os.open(self.path, os.O_WRONLY | os.O_NONBLOCK)
        self.addCleanup(os.close, writer)
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(writer, b"x")
        self.assert_fails(LOST, "ETIMEDOUT", names=("ports",))

    def test_the_reader_of_a_fifo_learns_that_the_start_failed(self):
        os.mkfifo(self.path)
        got = []
        reader = threading.Thread(target=lambda: got.append(self.read()), daemon=True)
        reader.start()
        # The reader blocks in open() until there is a writer, so it cannot be observed. Each start lets it go on.
        for _ in range(1000):
            self.assert_fails(WRONG_SETTING, "missing", "--handler", "./missing.so", names=("ports",))
            reader.join(0.01)
            if not reader.is_alive():
                break
        self.assertEqual(got, [b""])

    def test_a_socket_is_written(self):
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(self.path)
            listener.listen()
            listener.settimeout(DEADLINE_S)
            weir, wanted = self.serve()
            peer = listener.accept()[0]
            with peer, peer.makefile("rb") as stream:
                self.assertEqual(stream.read(), wanted)
            weir.stop()
        self.assert_kind(stat.S_IFSOCK)
        self.assert_fails(LOST, "ECONNREFUSED", names=("ports",))
        self.assert_kind(stat.S_IFSOCK)

    def test_a_terminal_is_written(self):
        """A device that needs no privilege to make."""
        leader, terminal = os.openpty()
        self.addCleanup(os.close, leader)
        self.addCleanup(os.close, terminal)
        name = os.ttyname(terminal)
        os.symlink(name, self.path)
        weir, wanted = self.serve()
        self.assertEqual(os.read(leader, 1000).replace(b"\r\n", b"\n"), wanted)
        self.assertTrue(stat.S_ISCHR(os.stat(name).st_mode))
        self.assertEqual(self.names(), ["ports"])
        weir.stop()

    def test_open_streams(self):
        """/dev/fd/3, as of >(command) in a shell, and /dev/stdout; also where /proc is missing."""
        for name in ("/dev/fd/%d", "/proc/self/fd/%d"):
            with self.subTest(name=name):
                reading, writing = os.pipe()
                self.addCleanup(os.close, reading)
                weir = self.start(*LISTENERS, "--port-file", name % writing, pass_fds=(writing,))
                os.close(writing)
                self.assertEqual(os.read(reading, 1000), "".join(f"{one.port}\n" for one in weir.listeners).encode())
                weir.stop()
        ended = self.launch(*LISTENERS, "--port-file", "/dev/stdout", stdout=subprocess.PIPE)
        first = ended.process.stdout.readline()
        self.assertRegex(first, rb"\A\d+\n\Z")
        ended.send_signal(stop_signals()[-1])
        rest = ended.process.stdout.read()
        self.assertRegex(first + rest, rb"\A(\d+\n){2}listening .*\nlistening .*\nready\n\Z")
        self.assertEqual(ended.wait_end().code, OK)

    def test_a_stream_that_is_not_open(self):
        """The numbers of the program's own descriptors are no streams of the user."""
        for number in (9, 3, 4, 5, 6, 7, 8):
            self.assert_fails(CANNOT_START, "EBADF", path=f"/dev/fd/{number}")

    def test_the_file_of_stdout(self):
        """Removing it would lose "ready"."""
        with open(self.path, "wb") as file:
            weir = self.launch(*LISTENERS, "--port-file", self.path, stdout=file)
            ended = weir.wait_end()
        self.assertEqual((ended.code, self.names()), (CANNOT_START, ["ports"]))
        self.assertRegex(ended.log, r"EBUSY\); it is in use, for example as stdout")

    def test_a_device(self):
        """The null device and the full one, made for the test in a mount namespace of its own."""
        for minor, code in ((3, OK), (7, LOST)):
            with self.subTest(minor=minor):
                found = self.in_namespace(f"""
                    mount("tmpfs", folder, "tmpfs", 0, "size=64k")
                    os.mknod(folder + "/ports", stat.S_IFCHR | 0o600, os.makedev(1, {minor}))
                    code, log = run_weir()
                    report(code=code, log=log, names=os.listdir(folder),
                           device=os.lstat(folder + "/ports").st_rdev == os.makedev(1, {minor}))
                """)
                self.assertEqual((found["code"], found["names"], found["device"]), (code, ["ports"], True), found)
                if code == LOST:
                    self.assertRegex(found["log"], r"\Aweir: .*ENOSPC\); free some space there\n\Z")

    def test_a_full_disk(self):
        """Blocks, or names, are exhausted: an error, and no fragment. An earlier file is removed, and makes room."""
        for options, code, size in (("size=8k", LOST, 1 << 20), ("nr_inodes=2", CANNOT_START, 0)):
            with self.subTest(options=options):
                found = self.in_namespace(f"""
                    mount("tmpfs", folder, "tmpfs", 0, "{options}")
                    fill(folder + "/other", {size})
                    code, log = run_weir()
                    report(code=code, log=log, names=os.listdir(folder))
                """)
                self.assertEqual((found["code"], found["names"]), (code, ["other"]), found)
                self.assertRegex(found["log"], r"\Aweir: cannot write --port-file .*ENOSPC\); free some space there\n\Z")

    def test_a_read_only_file_system(self):
        for names in ([], ["ports"]):
            with self.subTest(names=names):
                found = self.in_namespace(f"""
                    mount("tmpfs", folder, "tmpfs", 0, "")
                    for name in {names}:
                        open(folder + "/" + name, "w").write("1")
                    mount("", folder, "", MS_REMOUNT | MS_RDONLY, "")
                    code, log = run_weir()
                    report(code=code, log=log, names=os.listdir(folder))
                """)
                self.assertEqual((found["code"], found["names"]), (CANNOT_START, names), found)
                self.assertRegex(found["log"], r"\Aweir: .*EROFS\); name a file on a file system that can be written\n\Z")

    def test_a_file_that_is_a_mount_point(self):
        """As a container mounts one file: it can be neither removed nor replaced, but written."""
        found = self.in_namespace("""
            open(folder + "/ports", "w").write("1" * 5000 + "\\n")
            open(folder + "/host", "w").write("1" * 5000 + "\\n")
            mount(folder + "/host", folder + "/ports", "", MS_BIND, "")
            code, log = run_weir()
            report(code=code, log=log, names=sorted(os.listdir(folder)), text=open(folder + "/host").read())
        """)
        self.assertEqual((found["code"], found["names"]), (OK, ["host", "ports"]), found)
        self.assertRegex(found["text"], r"\A\d+\n\Z")

    def test_without_proc(self):
        if SANITIZED:
            self.skipTest("the leak checker needs /proc")
        found = self.in_namespace("""
            mount("tmpfs", "/proc", "tmpfs", 0, "")
            code, log = run_weir()
            report(code=code, log=log, names=os.listdir(folder), text=open(folder + "/ports").read())
        """)
        self.assertEqual((found["code"], found["names"]), (OK, ["ports"]), found)
        self.assertRegex(found["text"], r"\A\d+\n\Z")

    def in_namespace(self, script):
        """Runs the script in a private mount namespace; returns what it reports."""
        probe = subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False)
        if os.geteuid() != 0 or probe.returncode != 0:
            self.skipTest("a private mount namespace needs root")
        ended = subprocess.run([sys.executable, "-c", IN_NAMESPACE + textwrap.dedent(script), self.folder, Settings.weir,
                                Settings.transport], capture_output=True, text=True, timeout=2 * DEADLINE_S, check=False)
        self.assertEqual(ended.returncode, 0, ended.stderr)
        return json.loads(ended.stdout)


class WindowsFiles(PortFileTest):
    """A file that another Windows program has open."""

    def setUp(self):
        super().setUp()
        if not Settings.is_windows():
            self.skipTest("locks of Windows")

    def hold(self, *shared):
        program = os.path.join(os.path.dirname(Settings.weir), "hold_file.exe")
        holder = subprocess.Popen([*Settings.emulator, program, path_for_weir(self.path), *shared],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE)

        def release():
            holder.stdin.close()
            holder.wait(DEADLINE_S)
            holder.stdout.close()
        self.addCleanup(release)
        self.assertEqual(holder.stdout.readline().strip(), b"held")
        return release

    def test_a_program_that_shares_the_file(self):
        """As the C library opens it, or a scanner, which also shares its removal."""
        for shared in (("read", "write"), ("read", "write", "delete")):
            with self.subTest(shared=shared):
                self.make()
                release = self.hold(*shared)
                self.assert_written()
                release()
                self.assertEqual(self.names(), ["ports"])

    def test_a_program_that_locks_the_file(self):
        """Nothing can be written then. Waiting ends when that program closes the file."""
        for shared in ((), ("read",), ("read", "delete")):
            with self.subTest(shared=shared):
                self.make()
                release = self.hold(*shared)
                self.assert_fails(CANNOT_START, r"\(error \d+\); another program has locked it",
                                  names=("ports",))
                weir = self.launch(*LISTENERS, "--port-file", path_for_weir(self.path), "--log-flush", f"{DEADLINE_S}s")
                release()
                weir.wait_ready()
                self.assertEqual(self.read(), "".join(f"{one.port}\n" for one in weir.listeners).encode())
                self.assertEqual(self.names(), ["ports"])
                weir.stop()

    def test_devices(self):
        for name in ("NUL", "nul", "\\\\.\\NUL"):
            with self.subTest(name=name):
                weir = self.start(*LISTENERS, "--port-file", name)
                weir.stop()
                self.assertEqual(self.names(), [])

    def test_a_fifo_of_linux(self):
        """Wine cannot write it. It stays nevertheless."""
        os.mkfifo(self.path)
        self.assert_fails(CANNOT_START, "cannot write --port-file", names=("ports",))
        self.assertTrue(stat.S_ISFIFO(os.lstat(self.path).st_mode))


IN_NAMESPACE = f"""
import ctypes, json, os, signal, stat, subprocess, sys
folder, weir, transport = sys.argv[1:]
MS_RDONLY, MS_REMOUNT, MS_BIND = {MS_RDONLY}, {MS_REMOUNT}, {MS_BIND}
libc = ctypes.CDLL(None, use_errno=True)

def check(result):
    if result != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))

def mount(source, target, kind, flags, options):
    check(libc.mount(source.encode(), target.encode(), kind.encode(), ctypes.c_ulong(flags), options.encode()))

def fill(path, size):
    with open(path, "wb", buffering=0) as file:
        try:
            while file.tell() < size:
                file.write(b"x" * 1024)
        except OSError:
            pass

def run_weir():
    process = subprocess.Popen([weir, "--tcp", "127.0.0.1:0", "--transport", transport, "--quiet", "--port-file",
                                folder + "/ports"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                               preexec_fn=lambda: libc.prctl(1, signal.SIGKILL))  # PR_SET_PDEATHSIG
    for line in process.stdout:
        if line == "ready\\n":
            process.send_signal(signal.SIGTERM)
    log = process.stderr.read()
    return process.wait(), log

def report(**found):
    print(json.dumps(found))

check(libc.unshare({CLONE_NEWNS}))
mount("", "/", "", {MS_REC | MS_PRIVATE}, "")
"""


if __name__ == "__main__":
    main()
