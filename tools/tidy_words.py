"""tidy_words - the retired identifiers and phrases, with their replacements; tools/tidy rejects them.

Identifiers are compared part by part: the parts of `session_mind_rate` are session, mind and rate. Phrases are
searched in prose: comments, strings and documentation.
"""
import bisect
import io
import re
import tokenize

# Retired identifier parts: replacement. A scope (a regular expression on the path) limits where the part is retired.
PARTS = {
    "place places": "listener (TCP), udp_socket (UDP) or service (configuration)", "hand hands": "inbound",
    "mail": "remote", "refusal refusals": "admission", "readmit": "release",
    "wall": "clock, or random", "ledger": "handle_table", "shelf": "buffer_ring", "lane lanes": "a name by function",
    "envelope": "framing (header and trailer)", "gather gathers gathered": "reassembly", "visitor visitors": "transient",
    "team teams": "handoff", "seat seats": "membership", "farewell": "reject_message", "train trains": "batch (GRO/GSO)",
    "turn turns turned": "iteration", "law laws": "rule", "seam seams": "transport interface, or boundary",
    "mind minds": "update", "landed": "completed", "pour pours poured": "coalesce", "touched": "pending flush",
    "dry": "exhausted", "plant plants planted": "injected", "stage stages staged": "fixture", "nearest": "suggest",
    "mistake mistakes": "diagnostics", "judge judged": "check", "begun": "partial", "told": "notified, or reported",
    "who whom whoever": "the client, the caller, the thread", "somebody nobody anybody": "the party itself",
    "mend mended": "fix", "newcomer newcomers": "new session",
}
SCOPED_PARTS = {
    "fault faults": (r"(src|include)/", "decode_error"),  # fault injection is a standard term of tests
    "description descriptions": (r".*\.[ch]$", "frame_spec"),  # CMake and Python have settings of this name
    "letter letters": (r"(?!src/cli/|tests/unit/test_\w*options)", "command"),  # an option has a letter
    "keep page": (r"(src/cli/|tests/unit/(?!test_admin_))", "arena, text_builder"), "shown": (r"src/", "escape"),
    "settle settles settled": (r"(src|include)/", "flush"),
}
# Retired names as a whole: the parts are ordinary words.
NAMES = {
    "weir_session_close": "weir_session_abort", "weir_close": "weir_finish or weir_abort", "weir_head": "weir_header",
    "own_codec": "custom_codec", "payload_take": "payload_ref", "payload_give_back": "payload_unref",
}
# Names that contain a retired part in another sense, as regular expressions: reason.
ALLOWED_NAMES = {
    r"\w*in_place\w*": "standard term: delivered or decoded in place",
    r"\w*page_?(size|mask|bytes|shift|aligned|readwrite|noaccess|s?hift)\w*": "a page of memory",
    r"\w*web(socket)?_page\w*": "a page of the World Wide Web",
    r"\w*keep_?alive\w*": "TCP keep-alive", r"\w*dry_run\w*": "standard term: a run without effect",
    r"\w*wall_(clock|time|ns|ms|s)": "standard term: wall-clock time", r"\w*in_turn\w*": "standard term: one after another",
    r"\w*scatter_gather\w*": "standard term: vectored I/O", r"\w*multi_?stage\w*": "standard term: of several stages",
    r"(\w*_)?hand_(out|over|up|back|off)\w*": "the verb, with its preposition",
    r"\w*as_nobody": "the system account nobody",
}

NOUN = r"(?<![-\w./])"  # no option, no path, no part of a compound
# Retired phrases, as regular expressions in which one space stands for any white space: replacement.
PHRASES = {
    # words of our own
    rf"{NOUN}(?<!in )(?<!take )(?<!takes )(?<!took )(?<!taking )(?<!decimal )(?<!in its )places?(?! of\b)":
        "listener (TCP), udp_socket (UDP) or service; location",
    r"in hand": "current, being dispatched", r"(a|the|each|this|our) hand\b(?!-)": "inbound data, current batch",
    r"mails?": "command from another thread",
    rf"{NOUN}letters?(?! (or|and) digits?| digits?|, digits?)(?<!capital letters)(?<!small letters)(?<!lowercase letters)"
    r"(?<!uppercase letters)": "command (of a mailbox)",
    r"refusals?": "rejection, admission", r"readmit\w*": "release", r"(?<!-)wall(?![- ]?(clock|time))": "clock",
    r"ledgers?": "handle table", r"shel(f|ves)": "buffer ring", r"lanes?": "direction, queue", r"envelopes?": "framing",
    r"gather(s|ed|ing)?(?!/)(?<!scatter/gather)": "reassemble, collect", r"visitors?": "transient session",
    r"teams?": "handoff", r"seats?": "membership", rf"{NOUN}farewells?": "reject message",
    r"trains?": "GRO/GSO batch", r"(?<!in )(?<!return )turns?(?! (on|off|into|it|out|the|a|each|every)\b)": "loop iteration; becomes",
    r"laws?": "rule", r"seams?": "transport interface", r"minds?": "update, check", r"landed|lands": "completed, arrives",
    r"pour(s|ed|ing)?": "coalesce, copy", r"(is|are|was|were|be|runs?|ran|runs) dry": "out of buffers, exhausted",
    r"planted|plants?": "inject; injected violation", r"stages?(?<!multi-stage)": "fixture, step",
    r"judge[sd]?|judg(ing|ement|ment)": "check", r"settle[sd]?": "flush, end",
    r"begun": "partial, incomplete, started", r"own[_ -]codec": "custom codec", r"high mark": "high-water mark",
    r"newcomers?": "new session, new connection", r"dribbl\w+": "sent slowly", r"mend(s|ed|ing)?": "fix, correct",
    # idioms that are not English
    r"at once": "immediately, or at the same time", r"for ever": "forever", r"so (many|long)(?! as)": "that many, this long",
    r"in peace": "gracefully", r"told|tells? of|tells? (it|them|him|us)": "notified, reports",
    r"(our|(the )?peer's|own|his) end(?! of)|without its end": "side, FIN, EOF, terminator",
    r"one an? (worker|slot|session|handle|socket|line|file|thread|transport)|a bit an? \w+": "one per ...",
    r"taken for|takes? (it|them|this|that|noise|what) for": "treated as, mistaken for", r"but for": "except",
    r"any ?more|no more(?! than| \w+ than)": "no longer, no further",
    r"of (one's|your|our) own": "custom",
    r"codes? as of": "same return values as", r"(?<!there )(?<!which )(is|are) no (mistake|frame|message|codec|layer|error|file"
    r"|number|answer|text|session)s?": "is not a, is allowed", r"that is none|means none": "is not valid; means unlimited",
    r"holds? (it|them|\w+) against": "check against, compare with", r"once and for all": "permanently",
    # clauses without a noun, persons
    r"who is|who are|who has|who does|who may|who can|of who|to who": "the client that, the caller that",
    r"whom|whoever|whomever": "the client that, the caller that",
    r"somebody|nobody|anybody|everybody|someone|anyone": "the peer, no client, any thread", r"he|his|him|she|hers?": "it, they",
    r"that which|those who|he who": "a noun",
}
EXEMPT = {"tools/tidy_words.py", "tools/tidy_injected.py"}
ALIASES = re.compile(r"src/cli/\w*alias\w*\.\w+$")  # the hidden aliases of renamed options
RENAMES = {"CHANGELOG.md", "docs/glossary.md"}  # here table rows, and lines with an arrow, may name the retired words

CODE = re.compile(r"\.([ch]|def|py|sh|cmake)$|\.h\.in$|(^|/)CMakeLists\.txt$|(^|/)[a-z_-]+$")
PROSE = re.compile(r"\.md$|\.html$|\.1$")
C_FILE = re.compile(r"\.([ch]|def)$|\.h\.in$")
C_PROSE = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
COMPILED = [(re.compile(rf"\b(?:{phrase})\b", re.I), new) for phrase, new in PHRASES.items()]
PART_OF = {part: (".*", new) for parts, new in PARTS.items() for part in parts.split()}
PART_OF.update({part: scoped for parts, scoped in SCOPED_PARTS.items() for part in parts.split()})
ALLOWED = re.compile("|".join(f"(?:{name})" for name in ALLOWED_NAMES), re.I)
NOTE = re.compile(r"tidy: allow (identifier|phrase) - \w")


DATA = re.compile(r"""[bBfFrR]*(?:"(?!"")|'(?!''))""")  # a string, and no docstring


def is_checked(path):
    return bool(CODE.search(path) or PROSE.search(path)) and path not in EXEMPT and not ALIASES.match(path)


def blank(text):
    """The same number of characters, none of which is part of a word or a phrase."""
    return re.sub(r"\S", "\0", text)


def split(path, text):
    """The text with its code blanked, and with its prose blanked; both as long as the text."""
    if PROSE.search(path):
        return text, blank(text)
    if path.endswith(".py") or text.startswith("#!/usr/bin/env python3"):
        spans = python_prose(text)
    elif C_FILE.search(path):
        spans = [match.span() for match in C_PROSE.finditer(text)]
    else:  # shell and CMake
        spans = [match.span() for match in re.finditer(r'(?<![$\w{])#[^\n]*|"(?:\\.|[^"\\])*"|\'[^\'\n]*\'', text)]
    prose, code, end = [], [], 0
    for start, stop in spans:
        is_data = path.startswith("tests/") and DATA.match(text, start)  # what a test sends and expects
        prose += [blank(text[end:start]), blank(text[start:stop]) if is_data else text[start:stop]]
        code += [text[end:start], blank(text[start:stop])]
        end = stop
    return "".join(prose) + blank(text[end:]), "".join(code) + text[end:]


def python_prose(text):
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type in (tokenize.COMMENT, tokenize.STRING):
                yield starts[token.start[0] - 1] + token.start[1], starts[token.end[0] - 1] + token.end[1]
    except (tokenize.TokenError, SyntaxError):
        return


def hits(path, text):
    """(line, rule, retired word, replacement) of each retired identifier and phrase of a file."""
    if not is_checked(path):
        return
    lines = text.split("\n")
    starts = [0, *(match.end() for match in re.finditer("\n", text))]
    prose, code = split(path, text)
    found = []
    for part in re.split(r"[/_.-]", path.rsplit("/", 1)[-1]):
        if retired(path, part):
            found.append((0, "identifier", f"file name {path.rsplit('/', 1)[-1]}", retired(path, part)))
    for match in re.finditer(r"(?<![-\w])[A-Za-z_]\w*", code):
        name = match[0]
        new = NAMES.get(name) or next(filter(None, (retired(path, part) for part in name.split("_"))), None)
        if new and not ALLOWED.fullmatch(name):
            found.append((match.start(), "identifier", name, new))
    # Escapes, quotes and the marks that begin lines of comments are white space; each space is one character.
    plain = re.sub(r"\\.|^[ \t]*(?:\*|//+|#+)|[\"\n\t]", lambda mark: " " * len(mark[0]), prose, flags=re.M)
    plain, origin = squeeze(plain)
    for phrase, new in COMPILED:
        for match in phrase.finditer(plain):
            found.append((origin[match.start()], "phrase", match[0].strip(), new))
    for offset, rule, word, new in sorted(found):
        line = bisect.bisect_right(starts, offset)
        if not (path in RENAMES and re.search(r"^\s*\||->|→", lines[line - 1])):
            yield line, rule, word, new


def is_noted(line, rule):
    """Whether a note on this line allows the rule. In C, tools/tidy looks for the notes itself."""
    note = NOTE.search(line)
    return bool(note) and note[1] == rule


def retired(path, part):
    scope, new = PART_OF.get(part.lower(), ("", None))
    return new if new and re.match(scope, path) else None


def squeeze(text):
    """The text with each gap as one character, a space or code, and the offset that each of its characters had."""
    parts, origin = [], []
    text = re.sub(r"[\0 ]{2,}", lambda run: ("\0" if "\0" in run[0] else " ") + "\1" * (len(run[0]) - 1), text)
    for match in re.finditer(r"[\0 ]|[^\0 ]+", text):
        part = match[0].replace("\1", "")
        if part:
            first = match.end() - len(part)
            parts.append(part)
            origin.extend(range(first, first + len(part)))
    return "".join(parts), origin
