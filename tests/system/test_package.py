# SPDX-License-Identifier: MIT
"""An installed weir is complete: CMake and pkg-config find it, in C and in C++, wherever it was moved; and the packages
contain the same files."""
import os
import pathlib
import re
import shutil
import subprocess
import tarfile
import tempfile

from weir_process import SANITIZED, Settings, WeirTest, connect, main, receive_exactly

HERE = pathlib.Path(__file__).resolve().parent
CONSUMER = HERE.parent / "package"
TREE = HERE.parents[1]
WANTED_OUTPUT = r"\Aweir \d+\.\d+\.\d+ on 127\.0\.0\.1:\d+\n\Z"


def run(*command, **options):
    """Returns the command's output; a failure raises an error with all output."""
    ended = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, **options)
    if ended.returncode != 0:
        raise AssertionError(f"{command} ended with {ended.returncode}:\n{ended.stdout}\n{ended.stderr}")
    return ended.stdout


def launcher(build):
    """Returns the option for the compiler's launcher (ccache) of a build."""
    cache = (build / "CMakeCache.txt").read_text("utf-8")
    found = re.search(r"^CMAKE_C_COMPILER_LAUNCHER:\w+=(.+)$", cache, re.M)
    return [f"-DCMAKE_C_COMPILER_LAUNCHER={found[1]}"] if found else []


class Installed(WeirTest):
    prefix = None  # its folder after the move

    @classmethod
    def setUpClass(cls):
        """Installs and moves it: nothing may depend on the original folder."""
        cls.build = pathlib.Path(Settings.weir).parent
        cache = (cls.build / "CMakeCache.txt").read_text("utf-8")
        if SANITIZED or "CMAKE_BUILD_TYPE:STRING=Release" not in cache:
            return
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        run("cmake", "--install", cls.build, "--prefix", cls.folder / "first")
        cls.prefix = cls.folder / "moved"
        (cls.folder / "first").rename(cls.prefix)
        cls.lib = next(cls.prefix.glob("lib*/**/libweir.a")).parent

    def setUp(self):
        if not self.prefix:
            self.skipTest("only for builds without sanitizers")

    def assert_serves(self, program, **environment):
        output = run(program, env={**os.environ, **environment})
        self.assertRegex(output, WANTED_OUTPUT)

    def test_installed_files(self):
        names = {path.relative_to(self.prefix).as_posix() for path in self.prefix.rglob("*") if not path.is_dir()}
        lib = self.lib.relative_to(self.prefix).as_posix()
        version = re.search(r"VERSION (\S+)", (TREE / "CMakeLists.txt").read_text("utf-8").split("project(weir", 1)[1])[1]
        for wanted in ("bin/weir", "bin/weir-test", f"{lib}/libweir_test.a", f"{lib}/pkgconfig/weir-test.pc",
                       f"{lib}/libweir_cluster.a", f"{lib}/pkgconfig/weir-cluster.pc", "include/weir/cluster.h", "include/weir/weir.h", "include/weir/version.h", "include/weir/reason.def",
                       f"{lib}/libweir.a", f"{lib}/libweir.so", f"{lib}/libweir.so.{version}",
                       f"{lib}/libweir.so.{version.split('.')[0]}", f"{lib}/pkgconfig/weir.pc",
                       f"{lib}/cmake/weir/weirConfig.cmake", f"{lib}/cmake/weir/weirConfigVersion.cmake",
                       "share/doc/weir/LICENSE", "share/doc/weir/docs/program.md"):
            self.assertIn(wanted, names)
        headers = {path.name for path in (TREE / "include" / "weir").iterdir()}
        self.assertEqual({path.name for path in (self.prefix / "include" / "weir").iterdir()},
                         headers - {"version.h.in"} | {"version.h"})

    def test_no_file_contains_the_build_path(self):
        for path in self.prefix.rglob("*"):
            if path.is_file() and not path.is_symlink():
                holds = path.read_bytes()
                for folder in (TREE, self.folder / "first"):
                    self.assertNotIn(os.fsencode(folder) + b"/", holds, path)

    def test_by_cmake(self):
        build = self.folder / "consumer"
        run("cmake", "-S", CONSUMER, "-B", build, f"-DCMAKE_PREFIX_PATH={self.prefix}")
        run("cmake", "--build", build)
        for program in ("shared_c", "static_c", "shared_cpp", "static_cpp"):
            with self.subTest(program=program):
                self.assert_serves(build / program)
        for program in ("tested_c", "tested_cpp"):
            with self.subTest(program=program):
                self.assertEqual(run(build / program), "tested\n")
        for program in ("clustered_shared", "clustered_static"):
            with self.subTest(program=program):
                self.assertEqual(run(build / program), "clustered\n")
        for module in ("quiet_c", "quiet_cpp"):
            with self.subTest(module=module):
                weir = self.start("--tcp", "127.0.0.1:0", "--handler", str(build / f"{module}.so"))
                self.assertEqual(weir.listeners[0].handler, "quiet")
                with connect(weir.tcp) as peer:
                    peer.sendall(b"are you there?")
                    self.assertEqual(receive_exactly(peer, 3), b"yes")
                weir.stop()

    def assert_contained(self, build, way):
        """Builds the user's project with weir as a part of it, in that way."""
        run("cmake", "-S", CONSUMER, "-B", build, f"-DWEIR_BY={way}", f"-DWEIR_TREE={TREE}", "-DCMAKE_BUILD_TYPE=Debug",
            "-DWEIR_HARDENING=OFF", *launcher(self.build))
        run("cmake", "--build", build, "--parallel", "2")
        for program in ("shared_c", "static_c", "shared_cpp", "static_cpp"):
            with self.subTest(way=way, program=program):
                self.assert_serves(build / program)
        self.assertEqual(run(build / "tested_c"), "tested\n")

    def test_by_cmake_as_a_part(self):
        """Both ways use the same folder, so that the second one compiles nothing but the programs."""
        build = self.folder / "containing"
        for way in ("subdirectory", "fetch"):
            self.assert_contained(build, way)
        self.assertFalse((build / "weir" / "weir").exists(), "the program is built although nothing needs it")
        listing = run("ctest", "--test-dir", build, "-N")
        self.assertIn("Total Tests: 0", listing)
        ended = subprocess.run(["cmake", "--install", build, "--prefix", self.folder / "nothing"], capture_output=True,
                               text=True, check=False)
        self.assertFalse((self.folder / "nothing").exists(), ended.stdout)

    def test_the_readme_builds_no_tests(self):
        """The README's preset for installing."""
        self.assertIn("cmake --preset install &&", (TREE / "README.md").read_text("utf-8"))
        build = self.folder / "preset"
        run("cmake", "--preset", "install", "-B", build, cwd=TREE)
        targets = run("cmake", "--build", build, "--target", "help")
        self.assertIn("weir_static", targets)
        self.assertNotRegex(targets, r"\btest_|\bexample|\becho\b|echo_load")

    def test_by_cmake_of_another_version(self):
        source = self.folder / "newer"
        source.mkdir()
        (source / "CMakeLists.txt").write_text("cmake_minimum_required(VERSION 3.22)\nproject(newer LANGUAGES C)\n"
                                               "find_package(weir 99 REQUIRED)\n")
        ended = subprocess.run(["cmake", "-S", source, "-B", source / "build", f"-DCMAKE_PREFIX_PATH={self.prefix}"],
                               capture_output=True, text=True, check=False)
        self.assertNotEqual(ended.returncode, 0)
        self.assertIn('compatible with requested version "99"', " ".join(ended.stderr.split()))

    def test_by_pkg_config(self):
        """Also where liburing has no .pc file: nothing else is on this path."""
        environment = {**os.environ, "PKG_CONFIG_LIBDIR": str(self.lib / "pkgconfig"), "PKG_CONFIG_PATH": ""}

        def flags(*arguments, package="weir"):
            return run("pkg-config", *arguments, package, env=environment).split()

        self.assertRegex(flags("--modversion")[0], r"\A\d+\.\d+\.\d+\Z")
        strict = ("-Wall", "-Wextra", "-Wpedantic", "-Werror")
        for compiler, standard, source in (("cc", "-std=c17", "consumer.c"), ("c++", "-std=c++17", "consumer.cpp")):
            with self.subTest(compiler=compiler):
                program = self.folder / f"by_{compiler}"
                run(compiler, standard, *strict, CONSUMER / source, "-o", program, *flags("--cflags", "--libs"))
                self.assert_serves(program, LD_LIBRARY_PATH=str(self.lib))
        program = self.folder / "by_archive"
        libraries = [str(self.lib / "libweir.a") if word == "-lweir" else word
                     for word in flags("--cflags", "--libs", "--static")]
        run("cc", "-std=c17", *strict, CONSUMER / "consumer.c", "-o", program, *libraries)
        self.assert_serves(program)
        for compiler, standard, source in (("cc", "-std=c17", "tested.c"), ("c++", "-std=c++17", "tested.cpp")):
            with self.subTest(compiler=compiler, library="weir-test"):
                program = self.folder / f"tested_by_{compiler}"
                run(compiler, standard, *strict, CONSUMER / source, "-o", program,
                    *flags("--cflags", "--libs", package="weir-test"))
                self.assertEqual(run(program), "tested\n")
        program = self.folder / "clustered"
        run("cc", "-std=c17", *strict, CONSUMER / "clustered.c", "-o", program,
            *flags("--cflags", "--libs", package="weir-cluster"))
        self.assertEqual(run(program, env={**os.environ, "LD_LIBRARY_PATH": str(self.lib)}), "clustered\n")

    def test_the_installed_program_runs(self):
        self.assertRegex(run(self.prefix / "bin" / "weir-test", "echo", "--seeds", "2"), r"\Apassed: 2 seeds, ")
        self.assertRegex(run(self.prefix / "bin" / "weir", "--version"), r"\Aweir \d+\.\d+\.\d+\n\Z")

    def test_packages(self):
        out = self.folder / "packages"
        run("cpack", "-G", "TGZ;DEB" if shutil.which("dpkg-deb") else "TGZ", "--config",
            self.build / "CPackConfig.cmake", "-B", out)
        wanted = {path.relative_to(self.prefix).as_posix() for path in self.prefix.rglob("*") if not path.is_dir()}
        with tarfile.open(next(out.glob("*.tar.gz"))) as archive:
            held = {name.split("/", 1)[1] for name in archive.getnames() if "/" in name}
            self.assertLessEqual(wanted, held)
        if not shutil.which("dpkg-deb"):
            self.skipTest("no dpkg-deb: the DEB was not checked")
        packages = sorted(out.glob("*.deb"))
        self.assertEqual([re.sub(r"_\d+\.\d+\.\d+_\w+\.deb$", "", package.name) for package in packages],
                         ["libweir-dev", "libweir0", "weir"])
        listed = "".join(run("dpkg-deb", "--contents", package) for package in packages)
        for name in wanted:
            self.assertRegex(listed, rf"\./usr/{re.escape(name)}( -> |\n)")
        for package in packages:
            self.assertRegex(run("dpkg-deb", "--field", package, "Depends"), r"libc6.*liburing|liburing.*libc6")


if __name__ == "__main__":
    main()
