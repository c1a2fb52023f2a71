# SPDX-License-Identifier: MIT
"""Every byte stream with its frame specification that the tests contain: the table of test_codec.c, the inputs of the
fuzzers, the framings of test_frames.py, and the streams that other libraries have decoded."""
import ast
import pathlib
import re

from test_frames import FRAMINGS, stream_of

TESTS = pathlib.Path(__file__).resolve().parents[1]
C_TEXT = r'"(?:[^"\\]|\\.)*"'


def c_bytes(literals):
    """Returns the bytes of adjacent C string literals. In C, unlike Python, an octal escape can follow any text."""
    return b"".join(ast.literal_eval("b" + literal) for literal in re.findall(C_TEXT, literals))


def of_unit_tests():
    text = (TESTS / "unit" / "test_codec.c").read_text("utf-8")
    found = re.findall(rf"\{{({C_TEXT}),\s*TEXT\(\s*((?:{C_TEXT}\s*)+)\)", text)
    return [(c_bytes(spec).decode(), c_bytes(stream)) for spec, stream in found]


def of_fuzzers():
    found = []
    for source in sorted((TESTS / "fuzz").glob("fuzz_*.c")):
        table = re.search(r"specs\[\] = \{(.*?)\};", source.read_text("utf-8"), re.S)
        if not table:
            continue
        specs = [c_bytes(literal).decode() for literal in re.findall(C_TEXT, table[1])]
        for path in sorted((TESTS / "fuzz" / "corpus" / source.stem.removeprefix("fuzz_")).iterdir()):
            data = path.read_bytes()
            if len(data) > 3:
                found.append((specs[data[0] % len(specs)], data[3:]))
    return found


def of_framings():
    return [(spec, stream_of(spec)) for spec in FRAMINGS]


def of_peers():
    found, spec = {}, ""
    for line in (TESTS / "peers" / "vectors.txt").read_text("utf-8").splitlines():
        kind, _, rest = line.partition(" ")
        if kind == "spec":
            spec = rest
        elif kind == "stream":
            found[spec, bytes.fromhex(rest.split()[2])] = True
    return list(found)


def every():
    return of_unit_tests() + of_fuzzers() + of_framings() + of_peers()
