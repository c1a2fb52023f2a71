"""library_page - libweir(3), from the declarations and the comments of the public headers."""
import re

import mdoc

COMMENT = re.compile(r"/\*(.*?)\*/", re.S)
# A comment, and the declaration that follows it up to its end.
ITEM = re.compile(r"/\*(?P<comment>(?:(?!\*/).)*)\*/\n(?P<code>(?:WEIR_API|static inline|struct|enum|typedef|#define)[^\n]*"
                  r"(?:\n(?!\n|/\*)[^\n]*)*)", re.S)


def comment_text(comment):
    lines = [re.sub(r"^ \* ?", "", line).rstrip() for line in comment.splitlines()]
    lines[0] = lines[0].strip()
    return mdoc.trimmed([line.lstrip() if not line.startswith("  ") else line for line in lines])


def comment_lines(comment):
    """Text, with indented lines as they are."""
    made, block, words = [], [], []

    def finish():
        made.extend(mdoc.literal(block) if block else [])
        made.extend(mdoc.text(" ".join(words)))
        block.clear()
        words.clear()
    for line in comment_text(comment):
        if line.startswith("- "):
            finish()
            made.append(".Pp")
        is_item = bool(words) and words[0].startswith("- ")
        is_literal = line.startswith("  ") and not is_item
        if is_item and not line.startswith(("  ", "- ")):
            finish()
        if (is_literal and words) or (not is_literal and block) or not line.strip():
            finish()
        if not line.strip():
            made.append(".Pp")
        else:
            (block if is_literal else words).append(line if is_literal else line.strip())
    finish()
    return made


def body_of(header):
    """The header without its first comment and its guards."""
    text = (mdoc.ROOT / "include" / "weir" / header).read_text("utf-8")
    text = re.sub(r"^#(?:ifdef __cplusplus|ifndef \w+_H)\n(?:[^#].*\n|#define \w+_H\n)*(?:#endif\n)?", "", text, flags=re.M)
    return text


def declaration(code):
    """The signature of a function, without the body of an inline one."""
    code = re.sub(r"\n\{.*", "", code, flags=re.S)
    return re.sub(r"\s+", " ", code.replace("WEIR_API ", "").replace("static inline ", "")).strip(" ;")


def function(comment, code):
    signature = re.fullmatch(r"(.*?)(\w+)\((.*)\)(?: __attribute__.*)?", declaration(code), re.S)
    if not signature:
        return []
    kind, name, arguments = signature.groups()
    parts, depth, at = [], 0, 0
    for index, short in enumerate(arguments + ","):
        depth += (short == "(") - (short == ")")
        if short == "," and depth == 0:
            parts.append(arguments[at:index].strip())
            at = index + 1
    words = " ".join(mdoc.word(part) for part in parts)
    return [".Pp", f".Ft {mdoc.word(kind.strip())}", f".Fn {name} {words}", ".Pp", *comment_lines(comment)]


def type_or_macro(comment, code):
    code = re.sub(r"\n\}[^\n]*;.*", lambda match: match[0].split(";")[0] + ";", code, flags=re.S)
    return [".Pp", *comment_lines(comment), *mdoc.literal(code.splitlines())]


def whole(text, start, code):
    """The declaration of a struct or enum up to its closing brace: members have comments and empty lines."""
    if not re.match(r"(struct|enum)[^;]*\{", code):
        return code
    if "}" in code.split("\n")[0]:
        return text[start:text.index(";", start) + 1]
    end = text.index("\n}", start)
    return text[start:text.index(";", end) + 1]


def items(text):
    """The sections, functions and types of a header in their order."""
    at = 0
    while True:
        match = ITEM.search(text, at)
        section = re.compile(r"/\* ---- (.*?)(?: ----)?\s*(?:\*/|\n)").search(text, at)
        if section and (not match or section.start() <= match.start()):
            yield ".Ss", section[1], ""
            at = section.end()
            if match and match.start() == section.start():
                at = text.index("*/", section.start()) + 2
            continue
        if not match:
            return
        code = whole(text, match.start("code"), match["code"])
        yield "item", match["comment"], code
        at = match.start("code") + len(code)


def header_lines(header):
    lines = [f".Ss weir/{header}", f".In weir/{header}"]
    for kind, first, code in items(body_of(header)):
        if kind == ".Ss":
            lines += [".Pp", f".Sy {mdoc.word(first.strip(' -') + ':')}"]
        elif code.startswith(("WEIR_API", "static inline")):
            lines += function(first, code)
        else:
            lines += type_or_macro(first, code)
    return lines


def page():
    present = sorted(path.name for path in (mdoc.ROOT / "include" / "weir").glob("*.h"))
    present.insert(0, present.pop(present.index("weir.h")))
    lines = [*mdoc.head("libweir", 3, "libweir", "TCP and UDP sessions over io_uring, epoll and Registered I/O"),
             ".Sh LIBRARY", "libweir (\\-lweir)", ".Sh SYNOPSIS", *[f".In weir/{name}" for name in present],
             ".Sh DESCRIPTION", "The library runs the sessions of a server and of connections to other servers:",
             "sockets, messages, limits, timeouts, groups, TLS and WebSocket.",
             "A program gives it a handler, whose functions are called for each message.",
             ".Pp", "This page has every declaration of the public headers, in their order."]
    for name in present:
        lines += header_lines(name)
    return mdoc.joined(lines + [".Sh SEE ALSO", ".Xr weir 1 ,", ".Xr weir\\-test 1"])
