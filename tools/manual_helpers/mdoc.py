"""mdoc - writes text in the language of man pages, mdoc(7), so that nothing in it is read as a request."""
import os
import pathlib
import re
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
MONTHS = "January February March April May June July August September October November December".split()


def date():
    """The date of a page: "November 30, 2026"."""
    seconds = os.environ.get("SOURCE_DATE_EPOCH") or (ROOT / "CHANGELOG.md").stat().st_mtime
    day = time.gmtime(int(float(seconds)))
    return f"{MONTHS[day.tm_mon - 1]} {day.tm_mday}, {day.tm_year}"


def version():
    """The version of weir, as CMakeLists.txt has it."""
    return re.search(r"project\(\s*weir\s+VERSION\s+([\d.]+)", (ROOT / "CMakeLists.txt").read_text("utf-8"))[1]


def head(title, section, name, summary):
    return [f".Dd {date()}", f".Dt {title.upper()} {section}", f".Os weir {version()}", ".Sh NAME", f".Nm {name}",
            f".Nd {summary}"]


def escape(line):
    """One line of text, or of an example: no character of it is a request or an escape."""
    line = line.replace("\\", "\\e").replace("-", "\\-").rstrip()
    return "\\&" + line if line[:1] in (".", "'") else line


def word(text):
    """One argument of a macro. It is never a macro itself, such as the word No."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace('"', "\\(dq")
    return f'"\\&{text}"' if text else '""'


def text(words):
    """A paragraph, filled by the reader's terminal; each sentence begins a line, as mdoc(7) asks."""
    sentences = re.split(r"(?<=[.!?])[)\]\"']* +(?=\S)", " ".join(words.split()))
    return [escape(sentence) for sentence in sentences if sentence]


def literal(lines):
    """Lines as they are."""
    return [".Bd -literal -offset indent"] + [escape(line) or ".Pp" for line in trimmed(lines)] + [".Ed"]


def trimmed(lines):
    """Without empty lines at both ends, and with at most one between two others."""
    kept = []
    for line in lines:
        if line.strip() or (kept and kept[-1].strip()):
            kept.append(line)
    while kept and not kept[-1].strip():
        kept.pop()
    return kept


def joined(lines):
    """The page; a paragraph macro before something that begins a paragraph anyway is left out."""
    lines = [line for line in lines if line]
    kept = [line for line, after in zip(lines, lines[1:] + [".Sh"])
            if line != ".Pp" or not after.startswith((".Pp", ".Bd", ".Bl", ".Ss", ".Sh"))]
    return "\n".join(kept) + "\n"
