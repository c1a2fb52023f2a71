# SPDX-License-Identifier: MIT
"""docs/design/rio-rules.md names every rule of RIO's contract once, and only existing files and tests.

A table row:  | B7 | the rule in words | where it is implemented | what would fail without it |

Rule VV15, no plain I/O on a socket with a request queue, holds because only the emulation makes such calls. This
script checks that, since no test run could.

"where" has `paths`, or "nowhere: ..." with the reason why the rule does not apply. "what would fail" has
`path: name` of tests, where the file must contain the name, or "nothing: ..." with the reason why no test can fail.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "design" / "rio-rules.md"
RULES = {"H": 13, "G": 6, "S": 14, "B": 15, "Q": 12, "T": 10, "N": 12, "F": 13, "E": 12, "X": 14, "A": 18, "U": 15,
         "P": 7, "V": 24, "VV": 19}
REASON_LENGTH_MIN = 20  # a word or two is not a reason

# A call of win_system's overlapped I/O; only the emulation's files may make it.
_PLAIN_IO = re.compile(r"\b\w*system->(?:receive|send)(?:_message)?\s*\(|\bwin_overlapped_(?:receive|send)\w*\s*\(")
_MAY_PLAIN_IO = re.compile(r"rio_emulation\w*\.c|win_\w+\.[ch]")

_ROW = re.compile(r"^\| *([A-Z]+[0-9]+) *\|(.*)\|(.*)\|(.*)\| *$")


def all_rules():
    return [f"{prefix}{number}" for prefix, count in RULES.items() for number in range(1, count + 1)]


def is_reason(cell, word):
    return cell.startswith(f"{word}: ") and len(cell) >= len(word) + 2 + REASON_LENGTH_MIN


def wrong_paths(cell, root):
    if is_reason(cell, "nowhere"):
        return []
    paths = re.findall(r"`([^`]+)`", cell)
    if not paths:
        return ['names no `path`, and gives no reason ("nowhere: ...")']
    return [f"names {path}, which does not exist" for path in paths if not (root / path).exists()]


def wrong_tests(cell, root):
    if is_reason(cell, "nothing"):
        return []
    tests = re.findall(r"`([^`:]+): ([^`]+)`", cell)
    if not tests:
        return ['names no `path: test`, and gives no reason ("nothing: ...")']
    errors = []
    for path, name in tests:
        if not (root / path).is_file():
            errors.append(f"names {path}, which does not exist")
        elif not re.search(rf"\b{re.escape(name)}\b", (root / path).read_text(encoding="utf-8")):
            errors.append(f"names {name}, which is not in {path}")
    return errors


def errors_of(text, root=ROOT):
    """Returns every error of the page, as lines for a person."""
    errors, seen = [], {}
    for number, line in enumerate(text.splitlines(), 1):
        row = _ROW.match(line)
        if not row:
            continue
        rule, words, positions, tests = (cell.strip() for cell in row.groups())
        if rule in seen:
            errors.append(f"line {number}: {rule} was named in line {seen[rule]} already")
        seen.setdefault(rule, number)
        if rule not in all_rules():
            errors.append(f"line {number}: there is no rule {rule}")
        if not words:
            errors.append(f"line {number}: {rule} is not put in words")
        errors += [f"line {number}: {rule} {error}" for error in wrong_paths(positions, root) + wrong_tests(tests, root)]
    errors += [f"{rule} is missing" for rule in all_rules() if rule not in seen]
    return errors


def plain_io_outside_of_the_emulation(texts):
    """Returns the errors of the transport's files, {name: text}: plain I/O on a socket that may have a request
    queue."""
    return [f"VV15 {name} calls {match[0]}...)" for name, text in texts.items() if not _MAY_PLAIN_IO.fullmatch(name)
            for match in _PLAIN_IO.finditer(text)]


def transport_texts():
    return {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "src/net/windows").glob("*.[ch]")}


def self_test():
    """Checks that each possible error of the page is found."""
    good = PAGE.read_text(encoding="utf-8")
    row = next(line for line in good.splitlines() if line.startswith("| B7 "))
    cells = row.split("|")
    injected = {
        "B7 is missing": good.replace(row, ""),
        "was named in line": good.replace(row, f"{row}\n{row}"),
        "there is no rule B99": good.replace(row, f"{row}\n{row.replace('B7', 'B99', 1)}"),
        "not put in words": good.replace(row, "|".join([*cells[:2], " ", *cells[3:]])),
        "which does not exist": good.replace(row, "|".join([*cells[:3], " `src/nothing.c` ", *cells[4:]])),
        'no reason ("nowhere': good.replace(row, "|".join([*cells[:3], " somewhere ", *cells[4:]])),
        'no reason ("nothing': good.replace(row, "|".join([*cells[:4], " nothing: no ", *cells[5:]])),
        "which is not in": good.replace(row, "|".join([*cells[:4], " `README.md: no_such_test_at_all` ", *cells[5:]])),
    }
    missed = [what for what, text in injected.items() if not any(what in error for error in errors_of(text))]
    injected_call = "    if (win_system->receive_message(slot->socket, &message, &it) != 0) return;\n"
    if not plain_io_outside_of_the_emulation({"rio_udp.c": injected_call}):
        missed.append("plain I/O in rio_udp.c")
    if not any(_PLAIN_IO.search(text) for name, text in transport_texts().items() if "emulation" in name):
        missed.append("plain I/O of the emulation: its calls have other names now")
    for what in missed:
        print(f"not found when injected: {what}")
    return not missed


def main():
    errors = [f"docs/design/rio-rules.md: {error}" for error in errors_of(PAGE.read_text(encoding="utf-8"))]
    errors += [f"src/net/windows: {error}" for error in plain_io_outside_of_the_emulation(transport_texts())]
    for error in errors:
        print(error)
    sound = self_test() if not errors else False
    if sound:
        print(f"rio-rules.md: {len(all_rules())} rules, each with its file and its test, or a reason")
    sys.exit(0 if sound else 1)


if __name__ == "__main__":
    main()
