# SPDX-License-Identifier: MIT
"""docs/design/sessions.md explains every setting of struct weir_config, with the default of config.c, and every
reason of reason.def.

A settings row:  | `idle_timeout_ms` | 10m | why |
A reasons row:    | `idle` | when | which setting |
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "design" / "sessions.md"
WHY_LENGTH_MIN = 10
ABSENT = {"log": "none", "on_stopped": "none", "user": "none", "allow": "none", "deny": "none", "reject_message": "none",
          "verify_rio": "off", "log_level": "warning", "trace": "none",
          "broadcast_policy": "disconnect", "size": "its own", "workers": "0", "node": "0"}

_SETTINGS = re.compile(r"<!-- settings -->(.*)<!-- end of settings -->", re.S)
_ROW = re.compile(r"^\| `(\w+)` \|(.*)\|(.*)\|$", re.M)


def without_comments(text):
    return re.sub(r"/\*.*?\*/", "", text, flags=re.S)


def settings_of(header):
    """Returns the members of struct weir_config, in order."""
    body = re.search(r"struct weir_config \{(.*?)\n\};", without_comments(header), re.S)[1]
    names = []
    for member in body.split(";"):
        pointer = re.search(r"\(\*(\w+)\)", member)
        name = pointer or re.search(r"(\w+)\s*$", member)
        if name:
            names.append(name[1])
    return names


def worth(expression):
    """Returns the value of a constant expression of config.c; strings unchanged."""
    if expression.startswith('"'):
        return expression.strip('"')
    plain = re.sub(r"UINT64_C\((\w+)\)", r"\1", expression)
    if not re.fullmatch(r"[\d\s*<()]+", plain):
        raise ValueError(f"config.c has {expression}, which this test cannot read")
    return eval(plain, {"__builtins__": {}}) # only digits and operators


def written(name, value):
    """Formats a value as a person writes it: 10m, 16k; off for a disabled timeout or limit."""
    if isinstance(value, str):
        return value
    if value == 0:
        return "off"
    scales = ()
    if name.endswith("_ms"):
        scales = ((60_000, "m"), (1000, "s"), (1, "ms"))
    elif name.endswith(("_bytes", "_bytes_max")):
        scales = ((1 << 30, "g"), (1 << 20, "m"), (1 << 10, "k"))
    for scale, unit in scales:
        if value % scale == 0:
            return f"{value // scale}{unit}"
    return str(value)


def defaults_of(source, names):
    """Returns {name: the default that the page must have}."""
    body = re.search(r"config__defaults = \{(.*?)\n\};", without_comments(source), re.S)[1]
    given = dict(re.findall(r"\.(\w+) = ([^,]+),", body))
    return {name: ABSENT.get(name) or written(name, worth(given.get(name, "0"))) for name in names}


def reasons_of(definitions):
    return re.findall(r'^WEIR_REASON\(\w+, "(\w+)"', definitions, re.M)


def errors_of(page, header, source, definitions):
    """Returns every error of the page, as lines for a person."""
    part = _SETTINGS.search(page)
    if not part:
        return ["there is no table between <!-- settings --> and <!-- end of settings -->"]
    rows = _ROW.findall(part[1])
    described = [name for name, _, _ in rows]
    wanted = defaults_of(source, settings_of(header))
    errors = [f"{name} is not explained" for name in wanted if name not in described]
    errors += [f"{name} is not a setting" for name in described if name not in wanted]
    errors += [f"{name} is explained twice" for name in wanted if described.count(name) > 1]
    for name, default, why in rows:
        if name in wanted and default.strip() != wanted[name]:
            errors.append(f"{name}: its default is {wanted[name]}, and not {default.strip()}")
        if len(why.strip()) < WHY_LENGTH_MIN:
            errors.append(f"{name}: that is not a reason")
    explained = [name for name, _, _ in _ROW.findall(page.replace(part[0], ""))]
    errors += [f"the reason {reason} is not explained" for reason in reasons_of(definitions) if reason not in explained]
    return errors


def self_test(page, header, source, definitions):
    """Checks that each possible error of the page is found."""
    row = next(line for line in page.splitlines() if line.startswith("| `idle_timeout_ms` |"))
    injected = {
        "idle_timeout_ms is not explained": page.replace(row, ""),
        "idle_timeout_ms is explained twice": page.replace(row, f"{row}\n{row}"),
        "nothing_ms is not a setting": page.replace(row, f"{row}\n{row.replace('idle_timeout', 'nothing')}"),
        "idle_timeout_ms: its default": page.replace("| `idle_timeout_ms` | 10m |", "| `idle_timeout_ms` | 11m |"),
        "idle_timeout_ms: that is not a reason": page.replace(row, "| `idle_timeout_ms` | 10m | so |"),
        "the reason stalled is not": page.replace("| `stalled` |", "| `stuck` |"),
        "there is no table": page.replace("<!-- settings -->", ""),
    }
    missed = [what for what, text in injected.items()
              if not any(what in error for error in errors_of(text, header, source, definitions))]
    for what in missed:
        print(f"not found when injected: {what}")
    return not missed


def main():
    texts = [path.read_text(encoding="utf-8") for path in
             (PAGE, ROOT / "include/weir/weir.h", ROOT / "src/server/config.c", ROOT / "include/weir/reason.def")]
    errors = errors_of(*texts)
    for error in errors:
        print(f"docs/design/sessions.md: {error}")
    sound = not errors and self_test(*texts)
    if sound:
        print(f"sessions.md: {len(settings_of(texts[1]))} settings and {len(reasons_of(texts[3]))} reasons")
    sys.exit(0 if sound else 1)


if __name__ == "__main__":
    main()
