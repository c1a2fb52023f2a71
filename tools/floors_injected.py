"""floors_injected - small trees, most with one injected violation that tools/floors must find, the others without.

Run as `tools/floors --self-test`.
"""
import pathlib
import subprocess
import tempfile

DRAWING = "top\nleft -> right  beside\nlow\n"
# What is tested, the files of a small src with their text, and the violations expected (each line's beginning).
TREES = [
    ("calls that go down", {"session/top.c": "int low(void); int top(void) { return low(); }",
                            "session/low.c": "int low(void) { return 1; }"}, []),
    ("an upward call", {"session/low.c": "int top(void); int low(void) { return top(); }",
                        "session/top.c": "int top(void) { return 1; }"},
     ["climbs: session/low.c -> session/top.c: top"]),
    ("a function address stored in data", {"session/low.c": "int top(void); int (*const low[])(void) = { top };",
                                           "session/top.c": "int top(void) { return 1; }"},
     ["climbs: session/low.c -> session/top.c: top"]),
    ("a function address passed on", {"session/low.c": "int top(void); void low(void **p) { *p = (void *)top; }",
                                      "session/top.c": "int top(void) { return 1; }"},
     ["climbs: session/low.c -> session/top.c: top"]),
    ("a call up through a table of the higher file", {
        "session/low.c": "int low(int (*const *ops)(void)) { return ops[0](); }",
        "session/top.c": "int low(int (*const *ops)(void)); static int own(void) { return 1; }"
                         "static int (*const ops[])(void) = { own }; int top(void) { return low(ops); }"}, []),
    ("a call along the arrow", {"session/left.c": "int right(void); int left(void) { return right(); }",
                                "session/right.c": "int right(void) { return 1; }"}, []),
    ("a call against the arrow", {"session/right.c": "int left(void); int right(void) { return left(); }",
                                  "session/left.c": "int left(void) { return 1; }"},
     ["climbs: session/right.c -> session/left.c: left"]),
    ("a call beside", {"session/beside.c": "int left(void); int beside(void) { return left(); }",
                       "session/left.c": "int left(void) { return 1; }"}, []),
    ("a file on no floor", {"session/other.c": "int low(void); int other(void) { return low(); }",
                            "session/low.c": "int low(void) { return 1; }"}, ["no floor: session/other"]),
    ("a circle", {"net/a.c": "int b(void); int a(void) { return b(); }",
                  "net/linux/b.c": "int c(void); int b(void) { return c(); }",
                  "net/c.c": "int a(void); int c(void) { return a(); }"},
     ["circle of 3 files: net/a net/c net/linux/b"]),
    ("a circle through inline functions", {
        "net/a.c": '#include "b.h"\nint a(void) { return b(); }',
        "net/b.h": "int a(void);\nstatic inline int b(void)\n{\n    return a();\n}\n"}, ["circle of 2 files: net/a net/b"]),
    ("an inline call that is its header's", {
        "session/low.h": "int right(void);\nstatic inline int low(void)\n{\n    return right();\n}\n",
        "session/top.c": '#include "low.h"\nint top(void) { return low(); }',
        "session/right.c": "int right(void) { return 1; }"}, ["climbs: session/low.c -> session/right.c: right"]),
    ("a module", {"net/sim.c": "int wire(void); int sim(void) { return wire(); }",
                  "net/wire.c": "int sim(void); int wire(void) { return sim(); }"}, []),
    ("a module without a circle", {"net/sim.c": "int wire(void); int sim(void) { return wire(); }",
                                   "net/wire.c": "int wire(void) { return 1; }"}, ["module sim:"]),
    ("a call against the layers", {"base/a.c": "int b(void); int a(void) { return b(); }",
                                   "net/b.c": "int b(void) { return 1; }"}, ["layer: base/a.c -> net/b.c: b"]),
    ("a private function called by proto", {"proto/a.c": "int b(void); int a(void) { return b(); }",
                                            "session/low.c": "int b(void) { return 1; }"},
     ["layer: proto/a.c -> session/low.c: b"]),
    ("a public function called by proto", {"proto/a.c": "int open(void); int a(void) { return open(); }",
                                           "session/low.c": "int open(void) { return 1; }"}, []),
]


def run(floors):
    """Returns 1 if a violation in TREES is missed, or reported where none is; otherwise 0."""
    failed = 0
    for what, files, expected in TREES:
        with tempfile.TemporaryDirectory() as folder:
            root, build = pathlib.Path(folder, "tree"), pathlib.Path(folder, "build")
            for path, text in {**{"src/" + path: text for path, text in files.items()},
                               "include/weir/a.h": "int open(void);"}.items():
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_text(text, "utf-8")
            for path in filter(lambda path: path.endswith(".c"), files):
                made = build / f"src/CMakeFiles/weir_{path.split('/')[0]}.dir" / (path + ".o")
                made.parent.mkdir(parents=True, exist_ok=True)
                subprocess.run(["cc", "-fPIC", "-c", str(root / "src" / path), "-o", str(made)], check=True)
            got = list(floors.violations(floors.Graph(root, build), {"session": DRAWING}, {"sim": ["net/sim", "net/wire"]}))
            got = [line for line in got if not line.startswith(" ")]
        if len(got) != len(expected) or not all(line.startswith(start) for line, start in zip(got, expected)):
            failed += 1
            print(f"self-test FAILED: {what}\n    expected {expected}, got {got}")
    print(f"floors: self-test: {len(TREES)} trees, {failed} failed")
    return 1 if failed else 0
