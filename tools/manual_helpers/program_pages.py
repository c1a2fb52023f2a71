"""program_pages - weir(1), weir-test(1) and weir.yaml(5), from what the programs print."""
import importlib.machinery
import importlib.util
import re
import subprocess

import mdoc


def load_options_doc():
    """The tool that reads --help and check --keys; its name has no suffix."""
    loader = importlib.machinery.SourceFileLoader("options_doc", str(mdoc.ROOT / "tools" / "options_doc"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("options_doc", loader))
    loader.exec_module(module)
    return module


OPTIONS_DOC = load_options_doc()

SIGNALS = (
    ("SIGTERM", "shuts down gracefully, for at most the time of --drain; a second one closes all connections immediately"),
    ("SIGINT", "does the same"),
    ("SIGHUP", "loads the settings and the TLS certificates again; open sessions stay"),
    ("SIGUSR1", "opens the file of --log-file again, after logrotate has renamed it"),
)
ENVIRONMENT = (
    ("NOTIFY_SOCKET", "where the state of the service is reported: sd_notify(3)"),
    ("WATCHDOG_USEC", "the service reports this often that every worker answers"),
    ("LISTEN_FDS", "the sockets that systemd passes; each must be the address of a listener: sd_listen_fds(3)"),
)
EXIT_CODES = (
    ("0", "shut down on request, or done"),
    ("1", "failed while running"),
    ("64", "the command line is wrong"),
    ("69", "cannot listen or connect"),
    ("74", "output was lost, or input cannot be read"),
    ("78", "a setting that can never work"),
)
FILES = (
    ("/etc/weir/weir.yaml", "the settings of the service"),
    ("/usr/share/doc/weir/docs", "the manual in full"),
)


def run(*command):
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True).stdout


def commands(weir):
    """The commands that the program's own help lists, and its examples."""
    text = run(weir, "--help")
    return list(dict.fromkeys(re.findall(r"^  weir ([a-z]+) ", text, re.M))), text


def option(names, words):
    """One option: its names, its argument, what it does, and its default."""
    flags = []
    for name in names:
        flag, _, argument = name.partition(" ")
        flag = flag[1:]
        flag_macros = f"Fl {mdoc.word(flag)}" + (f" Ar {mdoc.word(argument)}" if argument else "")
        flags.append(flag_macros)
    words, default = re.fullmatch(r"(.*?)(?: \[([^\]]*)\])?", words.strip()).groups()
    lines = [".It " + " , ".join(flags), *mdoc.text(words + ".")]
    if default:
        lines += [f"Default: {mdoc.escape(default)}."]
    return lines


def option_lists(text):
    lines = []
    for title, options in OPTIONS_DOC.read_help(text).items():
        lines += [".Pp", f".Sy {mdoc.word(title + ':')}", ".Bl -tag -width Ds"]
        for names, words in options:
            lines += option(names, words)
        lines += [".El"]
    return lines


def split_help(text):
    """Returns the lines before the first group of options, and those after the last one."""
    lines = text.splitlines()
    inside = [at for at, line in enumerate(lines) if re.match(r"  (-\w, |    )--|\s{20,}\S", line)]
    if not inside:
        return lines, []
    first = max((at for at in range(inside[0]) if re.fullmatch(r"\w[\w ]*:", lines[at])), default=inside[0])
    return lines[:first], lines[inside[-1] + 1:]


def command(weir, name):
    text = run(weir, name, "--help")
    before, after = split_help(text)
    options = option_lists(text)
    summary = re.sub(r"^weir .*?: ", "", before[0]) if before else ""
    lines = [f".Ss weir {name}", *mdoc.text(summary[:1].upper() + summary[1:] + "\n" + "\n".join(before[1:]))]
    if not options:
        return [f".Ss weir {name}", *mdoc.literal(before)]
    return lines + options + (mdoc.literal(after) if mdoc.trimmed(after) else [])


def list_of(items, macro):
    lines = [".Bl -tag -width Ds"]
    for name, words in items:
        lines += [f".It {macro} {mdoc.word(name)}", mdoc.escape(words)]
    return lines + [".El"]


def weir_page(weir):
    names, help_text = commands(weir)
    synopsis = []
    for name in names:
        synopsis += [".Nm", f".Ar {mdoc.word(name)}", ".Op Ar option ..."]
    lines = [*mdoc.head("weir", 1, "weir", "TCP and UDP session server"), ".Sh SYNOPSIS", *synopsis, ".Sh DESCRIPTION",
             *mdoc.literal(help_text.splitlines()[1:])]
    lines += [".Sh COMMANDS"]
    for name in names:
        lines += command(weir, name)
    lines += [".Sh SIGNALS", *list_of(SIGNALS, "Dv"), ".Sh ENVIRONMENT", *list_of(ENVIRONMENT, "Ev"), ".Sh FILES",
              *list_of(FILES, "Pa"), ".Sh EXIT STATUS", *list_of(EXIT_CODES, "Li"), ".Sh SEE ALSO"]
    return mdoc.joined(lines + see_also(weir, 1))


def see_also(weir, own):
    others = [("libweir", 3), ("systemd.service", 5), ("systemd.socket", 5)]
    if has_keys(weir) and own != 5:
        others.append(("weir.yaml", 5))
    if own != 1:
        others.append(("weir", 1))
    others.sort(key=lambda other: (other[1], other[0]))
    return [f".Xr {name} {section}{' ,' if other is not others[-1] else ''}" for other in others
            for name, section in [other]]


def tester_page(tester):
    text = run(tester, "--help")
    before, after = split_help(text)
    return mdoc.joined([*mdoc.head("weir-test", 1, "weir\\-test", "runs a handler of weir under random peers and faults"),
                        ".Sh SYNOPSIS", ".Nm", ".Ar module.so", ".Op Ar option ...", ".Sh DESCRIPTION",
                        *mdoc.literal(before[1:]), *option_lists(text), *(mdoc.literal(after) if mdoc.trimmed(after) else []),
                        ".Sh SEE ALSO", ".Xr weir 1 ,", ".Xr libweir 3"])


# ---- the configuration file ----


def keys(weir):
    """What `weir check --keys` prints; None if this program has no configuration file."""
    ended = subprocess.run([weir, "check", "--keys"], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    return ended.stdout if ended.returncode == 0 else None


def has_keys(weir):
    return keys(weir) is not None


def file_example():
    """The first example of docs/configuration.md, and what it says about the format."""
    text = (mdoc.ROOT / "docs" / "configuration.md").read_text("utf-8")
    return re.search(r"^```\w*\n(.*?)^```", text, re.M | re.S)[1].splitlines()


def key_list(text):
    lines = []
    for title, rows in OPTIONS_DOC.read_keys(text).items():
        lines += [f".Ss {mdoc.escape(title)}", ".Bl -tag -width Ds"]
        for key, value, words in rows:
            words, default, live = re.fullmatch(r"(.*?)(?: \[([^\]]*)\])?( \(live\))?", words.strip()).groups()
            lines += [f".It Ic {mdoc.word(key + ':')} Ar {mdoc.word(value)}", *mdoc.text(words + ".")]
            lines += [f"Default: {mdoc.escape(default)}."] if default else []
            lines += ["A reload applies it." if live else "A change needs a restart."]
        lines += [".El"]
    return lines


def file_page(weir):
    lines = [*mdoc.head("weir.yaml", 5, "weir.yaml", "settings of the server weir"), ".Sh DESCRIPTION",
             "The file has the settings of", ".Dq weir serve \\-\\-config FILE :", *mdoc.literal(file_example()),
             "Values are written as on the command line.", "An option there replaces the value in the file.",
             "A dot in the names below separates a section from its key.", ".Ic weir check", ".Ar FILE",
             "reports every mistake in a file.", ".Ic weir ctl reload", "or SIGHUP loads it again;",
             "if it has a mistake, the earlier settings stay.", ".Sh KEYS", *key_list(keys(weir)),
             ".Sh FILES", *list_of((("/etc/weir/weir.yaml", "the settings of the service"),), "Pa"), ".Sh SEE ALSO"]
    return mdoc.joined(lines + see_also(weir, 5))


def pages(weir, tester=None):
    made = {"weir.1": weir_page(weir)}
    if tester:
        made["weir-test.1"] = tester_page(tester)
    if has_keys(weir):
        made["weir.yaml.5"] = file_page(weir)
    return made
