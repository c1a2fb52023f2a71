# SPDX-License-Identifier: MIT
"""Small programs that use the library, extracted from the documentation, compiled and run.

Servers among them print their address in the first line, for example "127.0.0.1:40001; press Enter to stop"."""
import os
import pathlib
import re
import select
import shutil
import subprocess
import tempfile
import textwrap
import time

from weir_process import DEADLINE_S, SANITIZED, Settings

TREE = pathlib.Path(__file__).resolve().parents[2]
STRICT = ("-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror", "-g")


def build_folder():
    return pathlib.Path(Settings.weir).parent


def header_text(name):
    """Returns the indented program in the opening comment of a public header."""
    comment = (TREE / "include" / "weir" / name).read_text("utf-8").split("*/")[1]
    lines = [line.removeprefix(" *") for line in comment.splitlines()]
    first = next(i for i, line in enumerate(lines) if re.match(r" {5,}(#include|int )", line))
    last = max(i for i, line in enumerate(lines) if re.match(r" {5,}\}\Z", line))
    return textwrap.dedent("\n".join(lines[first:last + 1])) + "\n"


def fences(document, word):
    """Returns the (line, text) of each block of a document marked with the language `word`."""
    text = document.read_text("utf-8")
    for match in re.finditer(rf"^```{re.escape(word)}\n(.*?)^```$", text, re.M | re.S):
        yield text.count("\n", 0, match.start(1)) + 1, match[1]


def cached(name):
    """Returns a CMake cache variable of this build."""
    found = re.search(rf"^{name}(?::\w+)?=(.*)$", (build_folder() / "CMakeCache.txt").read_text("utf-8"), re.M)
    return found[1] if found else ""


def compiler(language):
    c = cached("CMAKE_C_COMPILER") or "cc"
    if language == "c":
        return [c, "-std=c17"]
    for gcc, cpp in (("gcc", "g++"), ("clang", "clang++"), ("cc", "c++")):
        if os.path.basename(c).startswith(gcc) and shutil.which(cpp):
            return [cpp, "-std=c++17"]
    return ["c++", "-std=c++17"]


def compile_program(text, language, folder, *flags, name="program"):
    """Compiles it strictly against this build's headers and its shared library; returns the program's path."""
    source = pathlib.Path(folder) / f"{name}.{'c' if language == 'c' else 'cpp'}"
    program = pathlib.Path(folder) / f"{name}_{'c' if language == 'c' else 'cpp'}"
    source.write_text(text, "utf-8")
    build = build_folder()
    sanitizers = [f"-fsanitize={cached('WEIR_SANITIZE')}"] if SANITIZED else []
    run(*compiler(language), *STRICT, *sanitizers, *flags, f"-I{TREE}/include", f"-I{build}/include", source, "-o", program,
        f"-L{build}", "-lweir", f"-Wl,-rpath,{build}")
    return program


def run(*command, **options):
    """Returns the command's output; a failure raises an error with all output."""
    ended = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                           check=False, **options)
    if ended.returncode != 0:
        raise AssertionError(f"{command} ended with {ended.returncode}:\n{ended.stdout}\n{ended.stderr}")
    return ended.stdout


class Program:
    """One running server; leaving the `with` block kills it. `address` is the address of its listener."""

    def __init__(self, *command, **environment):
        command = [*Settings.emulator, *(str(word) for word in command)]
        self._errors = tempfile.TemporaryFile()
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors,
                                        env={**os.environ, **environment})
        self._buffered = b""
        self.address = None

    def __enter__(self):
        try:
            line = self.read_line()
            host, port = re.match(r"\[?([0-9a-f.:]+?)\]?:(\d+); press Enter to stop\Z", line).groups()
        except BaseException:
            self.__exit__()
            raise
        self.address = (host, int(port))
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass
        self._errors.close()

    def errors(self):
        return os.pread(self._errors.fileno(), 1 << 20, 0).decode(errors="replace")

    def read_line(self):
        """Returns the next line of its stdout, without the newline."""
        deadline = time.monotonic() + DEADLINE_S
        while b"\n" not in self._buffered:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                raise AssertionError(f"no line in {DEADLINE_S} s, only {self._buffered!r}\n{self.errors()}")
            piece = os.read(self.process.stdout.fileno(), 65536)
            if not piece:
                raise AssertionError(f"it ended with {self.process.wait()} after {self._buffered!r}:\n{self.errors()}")
            self._buffered += piece
        line, _, self._buffered = self._buffered.partition(b"\n")
        return line.decode().rstrip("\r")

    def write_line(self, text):
        self.process.stdin.write(text.encode() + b"\n")
        self.process.stdin.flush()

    def end(self):
        """Presses Enter; returns the exit code, the rest of its stdout, and its stderr."""
        try:
            self.write_line("")
        except BrokenPipeError:
            pass  # it has exited already
        rest = self._buffered + self.process.stdout.read()
        return self.process.wait(DEADLINE_S), rest.decode(), self.errors()
