# SPDX-License-Identifier: MIT
"""The design pages name functions and files of the source: each of them exists, and a function is in the file that a page
names for it ("`session_has_room()` in `src/session/session.c`").
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGES = ("architecture.md", "sessions.md", "transport-rules.md")
FOLDERS = ("src", "include", "tests", "tools", "bench", "cmake")

_FUNCTION = re.compile(r"\b([a-z]\w{3,})\(\)")
_FILE = re.compile(r"(?<![\w/*.])((?:\w+/)*\w+\.(?:c|h|def|py|cmake))\b")
_DEFINED_IN = re.compile(r"`([a-z]\w+)\(\)` (?:there |)in `(src/\S+?\.[ch])`")


def sources():
    """Returns {path: text} of the files that pages can name."""
    found = {}
    for folder in FOLDERS:
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and path.suffix in (".c", ".h", ".def", ".py", ".cmake"):
                found[path.relative_to(ROOT).as_posix()] = path.read_text(encoding="utf-8")
    return found


def names_called(files):
    """Returns the names that precede a bracket in C: functions, macros, and members that are functions."""
    names = set()
    for path, text in files.items():
        if path.startswith(("src/", "include/")):
            names.update(re.findall(r"\b(\w+)\)?\(", text))
    return names


def errors_of(page, files, names):
    """Returns every error of the page, as lines for a person."""
    errors = [f"there is no function {name}()" for name in sorted(set(_FUNCTION.findall(page)))
              if name not in names]
    errors += [f"there is no file {name}" for name in sorted(set(_FILE.findall(page)))
               if not any(f"/{path}".endswith(f"/{name}") for path in files)]
    errors += [f"{name}() is not in {path}" for name, path in _DEFINED_IN.findall(page)
               if path in files and not re.search(rf"\b{name}\(", files[path])]
    return errors


def self_test(page, files, names):
    """Checks that each possible error of a page is found."""
    injected = {
        "there is no function session__has_room()": page.replace("session_has_room()", "session__has_room()"),
        "there is no file src/session/sesion.c": page.replace("src/session/session.c", "src/session/sesion.c"),
        "net_close() is not in src/net/pool.c": page.replace("`src/net/net.c`", "`src/net/pool.c`"),
    }
    missed = [error for error, text in injected.items() if error not in errors_of(text, files, names)]
    for error in missed:
        print(f"not found when injected: {error}")
    return not missed


def main():
    files = sources()
    names = names_called(files)
    pages = {name: (ROOT / "docs/design" / name).read_text(encoding="utf-8") for name in PAGES}
    errors = [f"docs/design/{name}: {error}" for name, page in pages.items() for error in errors_of(page, files, names)]
    print("\n".join(errors) or f"{len(PAGES)} pages name functions and files that exist")
    sys.exit(1 if errors or not self_test(pages[PAGES[0]], files, names) else 0)


if __name__ == "__main__":
    main()
