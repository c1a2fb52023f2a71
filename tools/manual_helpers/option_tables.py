"""option_tables - the commands of the program and their options, read from src/cli/*.def and main.c."""
import dataclasses
import re

import mdoc

CLI = mdoc.ROOT / "src" / "cli"
ROW = re.compile(r"^(OPTIONS|SETTING)_(VALUE|CHOICE|TEXT|ESCAPED|SWITCH|ACTION)\(", re.M)
STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')
# Commands whose own commands are words: the file that lists them, and how.
WORDS_IN = {"frame": ("frame_arguments.c", r'"([a-z]+)"'), "ctl": ("ctl.c", r'\{"([a-z]+)", CTL__')}
OPTIONS_IN = {"serve": "options.def", "inspect": "ctl_options.def"}  # others: COMMAND_options.def
WINDOWS_ONLY = {"service"}


@dataclasses.dataclass
class Option:
    name: str
    short: str     # "" if it has none
    argument: str   # "" if it has none; "FILE"
    help: str
    words: tuple    # its values, if these are words

    @property
    def is_file(self):
        return "FILE" in self.argument or self.name == "handler"

    @property
    def summary(self):
        """The first phrase of the help, without what a shell would read."""
        return re.split(r"[;:(]", self.help)[0].strip()


def _arguments(text, start):
    """The arguments of the macro call whose parenthesis is before `start`."""
    found, depth, at, index = [], 1, start, start
    while depth > 0:
        if text[index] == '"':
            index = STRING.match(text, index).end()
            continue
        depth += {"(": 1, ")": -1}.get(text[index], 0)
        if (text[index] == "," and depth == 1) or depth == 0:
            found.append(text[at:index].strip())
            at = index + 1
        index += 1
    return found


def _string(argument):
    """The text of string literals, and of macros that are string literals; "" for NULL and 0."""
    text = "".join(STRING.findall(argument))
    if not text and re.fullmatch(r"[A-Z][A-Z_]+", argument) and argument != "NULL":
        for header in CLI.glob("*.h"):
            defined = re.search(rf"^#define {argument} (.*)$", header.read_text("utf-8"), re.M)
            if defined:
                text = "".join(STRING.findall(defined[1]))
    return text.replace('\\"', '"').replace("\\\\", "\\")


def _row(kind, prefix, arguments):
    if prefix == "SETTING":  # the key, and whether a reload applies it
        arguments = arguments[2:]
    name, help_text = _string(arguments[0]), _string(arguments[-1])
    short = next((one[1] for one in arguments[1:4] if re.fullmatch(r"'.'", one)), "")
    at = {"VALUE": 4, "CHOICE": 1, "TEXT": 2, "ESCAPED": 1, "SWITCH": None, "ACTION": 3}[kind]
    argument = _string(arguments[at]) if at is not None else ""
    words = tuple(_string(arguments[3]).split("|")) if kind == "CHOICE" else ()
    return Option(name, short, argument, help_text, words)


def read(name):
    """The options in a .def file."""
    text = re.sub(r"/\*.*?\*/", lambda match: " " * len(match[0]), (CLI / name).read_text("utf-8"), flags=re.S)
    return [_row(match[2], match[1], _arguments(text, match.end())) for match in ROW.finditer(text)]


def commands(on_windows=False):
    """{command: options}, in the order of the program's help."""
    main = (CLI / "main.c").read_text("utf-8")
    made = {}
    for name in re.findall(r'\{"([a-z]+)", \w+_main\}', main):
        file = OPTIONS_IN.get(name, f"{name}_options.def")
        if on_windows or name not in WINDOWS_ONLY:
            made[name] = read(file) if (CLI / file).exists() else [Option("help", "h", "", "show the help", ())]
    return made


def words(command):
    """The words that follow a command, such as `explain` after `frame`."""
    if command not in WORDS_IN:
        return []
    file, pattern = WORDS_IN[command]
    text = (CLI / file).read_text("utf-8")
    listed = re.search(r"__names\[\] = \{.*?\}", text, re.S)
    return re.findall(pattern, listed[0] if listed else text)
