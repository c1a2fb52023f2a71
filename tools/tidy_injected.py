"""tidy_injected - small trees, each with one injected violation that tools/tidy must find, or with none.

Run as `tools/tidy --self-test`. A rule that cannot fail checks nothing.
"""
import contextlib
import io
import pathlib
import shutil
import subprocess
import tempfile

OPENING = "/* injected.c - a file that contains an injected violation. */\n"
GUARD = "#ifndef WEIR_INJECTED_H\n#define WEIR_INJECTED_H\n"

# The files that every tree contains besides: headers to include.
BESIDES = {
    "include/weir/weir.h": OPENING + "#include <stdint.h>\n", "include/weir/version.h.in": OPENING,
    "src/base/check.h": OPENING, "src/net/net.h": OPENING, "src/net/address.h": OPENING, "src/net/pool.h": OPENING,
    "src/session/session.h": OPENING, "src/proto/builtin.h": OPENING, "src/cli/os.h": OPENING,
}
# (rule, path, what follows the opening comment): found exactly once, and nothing else with it.
BAD = [
    ("layers", "src/base/a.c", '#include "net.h"\n'),
    ("layers", "src/net/a.c", '#include "session.h"\n'),
    ("layers", "src/session/a.c", '#include "pool.h"\n'),
    ("layers", "src/proto/a.c", '#include "net.h"\n'),
    ("layers", "src/proto/a.c", '#include "session.h"\n'),
    ("layers", "src/server/a.c", '#include "pool.h"\n'),
    ("layers", "src/cli/a.c", '#include "check.h"\n'),
    ("layers", "src/cli/a.c", '#include "../base/check.h"\n'),
    ("layers", "src/cli/a.c", "#include <weir/pool.h>\n"),
    ("layers", "include/weir/a.h", '#include "check.h"\n'),
    ("layers", "src/other/a.c", ""),
    ("platform", "src/session/a.c", "#include <sys/socket.h>\n"),
    ("platform", "src/net/a.c", "#include <signal.h>\n"),
    ("platform", "src/filter/a.c", "#include <openssl/ssl.h>\n"),
    ("platform", "src/filter/tls_a.c", "#include <sys/socket.h>\n"),
    ("platform", "src/cli/a.c", "#include <windows.h>\n"),
    ("platform", "include/weir/a.h", "#include <unistd.h>\n"),
    ("platform", "src/net/a.c", "#ifdef __linux__\n#endif\n"),
    ("platform", "src/server/a.c", "#if defined(X) || \\\n    defined(_WIN32)\n#endif\n"),
    ("platform", "src/net/a.c", "static SOCKET a;\n"),
    ("platform", "src/session/a.h", "struct a { void *b; DWORD c; };\n"),
    ("platform", "src/cli/a.c", "int a = WSAGetLastError();\n"),
    ("documented", "include/weir/a.h", GUARD + "int weir_a(void);\n#endif\n"),
    ("documented", "include/weir/a.h", GUARD + 'extern "C" {\nstruct weir_a {\n    int b;\n};\n}\n#endif\n'),
    ("documented", "include/weir/a.h", GUARD + "enum weir_a { WEIR_B };\n#endif\n"),
    ("documented", "include/weir/a.h", GUARD + "static inline int weir_a(void)\n{\n    return 1;\n}\n#endif\n"),
    ("documented", "include/weir/a.h", GUARD + "/* One. */\nint weir_a(void);\nint weir_b(void);\n#endif\n"),
    ("documented", "include/weir/a.h", GUARD + "struct weir_a; /* opaque */\nint weir_b(void);\n#endif\n"),
    ("nouns", "src/proto/pool.h", ""),
    ("text", "tests/a.c", "void a(char *b) { strcpy(b, b); }\n"),
    ("text", "src/net/a.c", "int a = sprintf (b, c);\n"),
    ("number", "examples/a.c", "int a = atoi(b);\n"),
    ("stack", "src/net/linux/a.c", "void *a = alloca(b);\n"),
    ("random", "tests/a.c", "int a = rand();\n"),
    ("sleep", "bench/a.c", "int a = usleep(1);\n"),
    ("clock", "src/session/a.c", "long a = time(0);\n"),
    ("clock", "src/proto/a.c", "long a = time(0);\n"),
    ("memory", "src/base/a.c", "void *a = malloc(1);\n"),
    ("memory", "src/session/a.c", "void a(void *b) { free(b); }\n"),
    ("exit", "src/cli/a.c", "void a(void) { exit(1); }\n"),
    ("exit", "src/net/a.c", "void a(void) { abort(); }\n"),
    ("assert", "src/base/a.c", "void a(void) { assert(1); }\n"),
    ("output", "src/server/a.c", 'void a(void) { printf("b"); }\n'),
    ("strerror", "src/net/linux/a.c", "char *a = strerror(1);\n"),
    ("names", "src/cli/a.c", 'void *a = fopen(b, "r");\n'),
    ("names", "src/base/a.c", 'char *a = getenv("B");\n'),
    ("narrow", "src/cli/os_windows.c", "int a = LoadLibraryA(b);\n"),
    ("narrow", "tests/a.c", "int a = FormatMessageA (b);\n"),
    ("unfinished", "src/net/a.c", "/* FIX" "ME later */\n"),
    ("unfinished", "scripts/a.sh", "# FIX" "ME\n"),
    ("length", "src/net/a.c", "int a(void)\n{\n" + "    ;\n" * 48 + "}\n"),
    ("length", "src/net/linux/a.c", "\n" * 900),
    ("length", "src/cli/a.c", "\n" * 500),
    ("complexity", "src/net/a.c", "int a(int b)\n{\n" + "    if (b) b++;\n" * 10 + "}\n"),
    ("identifier", "src/session/a.c", "int session_mind_rate;\n"),
    ("identifier", "tests/a.c", "void TEST_LETTERS(void);\n"),
    ("identifier", "src/proto/lane.c", ""),
    ("identifier", "tests/system/a.py", "def count_turns():\n    return 'turns' == 1  # tidy: allow phrase - the reason\n"),
    ("identifier", "scripts/a.sh", "train_max=1\n"),
    ("identifier", "src/session/a.c", "int weir_session_close(int b);\n"),
    ("phrase", "src/session/a.c", "/* It closes at\n * once. */\n"),
    ("phrase", "src/cli/a.c", 'const char *a = "for "\n                "ever";\n'),
    ("phrase", "tests/system/a.py", '"""Counts so many bytes."""\n'),
    ("phrase", "scripts/a.sh", "# It ends in peace.\n"),
    ("phrase", "cmake/a.cmake", "# The seam.\n"),
    ("phrase", "docs/a.md", "The peer\nis told.\n"),
    ("phrase", "README.md", "For whom.\n"),
    ("phrase", "CHANGELOG.md", "- Each letter.\n"),
    ("width", "src/net/a.c", "/* " + "x" * 150 + " */\n"),
    ("allow", "src/net/a.c", "int a; /* tidy: allow nonsense - it is fun */\n"),
    ("allow", "src/net/a.c", "int a; /* tidy: allow output - nothing here prints */\n"),
    ("allow", "src/net/a.c", "int a; /* tidy: allow */\n"),
]
GOOD = [
    ("src/base/a.c", "#include <pthread.h>\n#include <weir/weir.h>\n#ifdef _WIN32\n#endif\n"),
    ("src/session/a.c", '#include "net.h"\n#include "address.h"\n#include "weir/version.h"\n#include "weir.h"\n'),
    ("src/filter/tls_a.c", "#include <openssl/ssl.h>\n"),
    ("src/cli/os_linux.c", '#include <signal.h>\n#include "os.h"\n#if __linux__\n#endif\n'),
    ("src/cli/main.c", 'int main(void)\n{\n    printf("b");\n    exit(1);\n}\n'),
    ("src/base/memory.c", "void *a = calloc(1, 1);\n"),
    ("src/net/a.c", '/* strcpy(a) _WIN32 */\nchar *a = "malloc(1)";\nint b = c.free(1) + d->time(2) + pool_free(3);\n'),
    ("src/net/a.c", "int a = printf(1,\n               2); /* tidy: allow output - the reason */\n"),
    ("src/net/a.c", "#include <poll.h> /* tidy: allow platform - the reason */\n"),
    ("src/net/a.c", "int a(void)\n{\n" + "    ;\n" * 47 + "}\n"),
    ("src/net/linux/a.c", "\n" * 899),
    ("src/cli/a.c", "\n" * 499),
    ("src/cli/os_file_linux.c", 'void *a = fopen(b, "r");\n'),
    ("src/cli/os_windows.c", "int a = LoadLibraryW(b) + WSA(c) + d.RunA(e);\n"),
    ("tests/a.c", "\n" * 1000),
    ("src/net/a.c", "int a(int b)\n{\n" + "    if (b) b++;\n" * 9 + "}\n"),
    ("src/net/a.c", "int page_size, keepalive, a_in_place, handler, b.c;\n/* In place, in turn, wall clock; it returns. */\n"),
    ("src/cli/a.c", "int letter;\n/* The option --farewell. */\n"),
    ("src/net/a.c", "int mail; /* tidy: allow identifier - the reason */\n"),
    ("tests/system/a.py", "A = 'at once'  # tidy: allow phrase - the reason\n"),
    ("CHANGELOG.md", "- `turns` -> `loop_iterations`\n"),
    ("docs/glossary.md", "| command | one message of a mailbox | letter |\n"),
    ("src/cli/option_aliases.def", 'ALIAS("letters", "commands")\n'),
    ("tests/unit/a.c", '#include <unistd.h>\n#include "pool.h"\nvoid *a = malloc(1);\n'),
    ("include/weir/a.h", GUARD + "struct weir_b;\n/* A function. */\nint weir_a(int (*b)(void), const char *c);\n\n/* A "
     "struct. */\nstruct weir_a {\n    int (*b)(void);\n};\n/* An enum. */\nenum weir_c { WEIR_D };\n#endif\n"),
]


def judge(tidy, files):
    """Returns the names of the rules that a tree of these files violates, without formatting."""
    with tempfile.TemporaryDirectory() as folder:
        for path, text in {**BESIDES, **files, ".clang-format": "ColumnLimit: 140\n"}.items():
            file = pathlib.Path(folder, path)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, "utf-8")
        return [finding.rule for finding in tidy.check(tidy.Tree(folder))]


def rules(tidy):
    if not shutil.which("pmccabe"):
        print("self-test: complexity SKIPPED: pmccabe is not installed (package pmccabe)")
    for rule, path, text in BAD:
        if rule == "complexity" and not shutil.which("pmccabe"):
            continue
        yield f"{rule} in {path}: {text!r}", [rule], judge(tidy, {path: OPENING + text})
    for path, text in GOOD:
        yield f"good {path}: {text!r}", [], judge(tidy, {path: OPENING + text})
    for text in ("", "int a;\n", "/* a.c */\n", "/* SPDX-License-Identifier: MIT */\nint a;\n"):
        yield f"opening {text!r}", ["opening"], judge(tidy, {"src/net/a.c": text})
    no_reason = OPENING + "int a = printf(1); /* tidy: allow output */\n"
    yield "no reason", ["allow", "output"], sorted(judge(tidy, {"src/net/a.c": no_reason}))
    injected = {rule for rule, _, _ in BAD} | {"opening"}
    yield "rules without an injected violation", set(), tidy.RULES - injected


def formatting(tidy):
    with tempfile.TemporaryDirectory() as folder:
        root, tools = pathlib.Path(folder, "tree"), pathlib.Path(folder, "tools")
        (root / "src/net").mkdir(parents=True)
        tools.mkdir()
        shutil.copy(tidy.ROOT / ".clang-format", root)
        (root / "src/net/good.c").write_text("int a;\n")
        (root / "src/net/bad.c").write_text("int  *  a ;\nint b(void){return 1;}\n")
        found, how = tidy.rule_format(tidy.Tree(root))
        if "SKIPPED" in how:
            print(f"self-test: {how}")
        else:
            yield "format", ["src/net/bad.c"], [finding.path for finding in found]
        yield "no formatter", ([], True), (lambda f, h: (f, "SKIPPED" in h))(*tidy.rule_format(tidy.Tree(root), str(tools)))
        (tools / "clang-format").write_text("#!/bin/sh\necho clang-format version 18.1.3\n")
        (tools / "clang-format").chmod(0o755)
        yield "other formatter", ([], True), (lambda f, h: (f, "18.1.3" in h))(*tidy.rule_format(tidy.Tree(root), str(tools)))


def quietly(call, *arguments):
    with contextlib.redirect_stdout(io.StringIO()):
        return call(*arguments)


def symbols(tidy):
    listing = "\na.o:\n0000 T weir_a\n0000 T pool_take\n0010 D weir_b@@WEIR_1\n0020 B _end\n                 U malloc\n"
    yield "foreign symbols", (["pool_take"], 4), tidy.foreign_symbols(listing)
    if shutil.which("cc") and shutil.which("nm"):
        with tempfile.TemporaryDirectory() as folder:
            for name, code, status in (("bad", "int pool_take(void) { return 1; }", 1), ("good", "int weir_a;", 0)):
                for option, made in (("-c", f"{folder}/{name}.o"), ("-shared", f"{folder}/lib{name}.so")):
                    subprocess.run(["cc", "-fPIC", option, "-xc", "-", "-o", made], input=code, text=True, check=True)
                    yield f"symbols of {made}", status, quietly(tidy.symbols, [made])
            yield "symbols of no file", 1, quietly(tidy.symbols, [f"{folder}/none.a"])


def lengths(tidy):
    source = tidy.Source("src/net/a.c", "int\na(int b)\n{\n    if (b) {\n    }\n}\n#define X {\nstruct c { int d; } e = { 1 };\n"
                         "static struct c *f(void) {\n}\n")
    yield "lengths", [(1, 6), (9, 10)], [(source.line(s), source.line(e)) for s, b, e in source.declarations if b]


def run(tidy):
    failed = count = 0
    for part in (rules, formatting, symbols, lengths):
        for what, expected, got in part(tidy):
            count += 1
            if expected != got:
                failed += 1
                print(f"self-test FAILED: {what}\n    expected {expected}, got {got}")
    print(f"tidy: self-test: {count} inputs, {failed} judged wrongly")
    return 1 if failed else 0
