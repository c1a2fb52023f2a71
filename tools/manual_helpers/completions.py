"""completions - what bash, zsh, fish and PowerShell propose after TAB, from the tables of options."""
import option_tables

FIRST = "# SPDX-License-Identifier: MIT\n# Completion of weir's commands and options for {}. Made by tools/manual.\n"

# ---- bash ----

BASH = r"""
_weir() {
    local current previous command word options values files
    COMPREPLY=()
    current=${COMP_WORDS[COMP_CWORD]}
    previous=${COMP_WORDS[COMP_CWORD-1]}
    # Bash splits --option=value into three words.
    if [[ $current == = ]]; then
        current=
    elif [[ $previous == = ]]; then
        previous=${COMP_WORDS[COMP_CWORD-2]}
    fi
    command=serve
    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        case $word in
        @COMMANDS@) command=$word; break ;;
        -*) break ;;
        esac
    done
    values=
    files=
    case $command,$previous in
@VALUES@
    esac
    if [[ -n $values ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$values" -- "$current")
        return
    fi
    if [[ -n $files ]]; then
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
        return
    fi
    case $command in
@OPTIONS@
    esac
    if ((COMP_CWORD == 1)); then
        options="@NAMES@ $options"
    fi
    mapfile -t COMPREPLY < <(compgen -W "$options" -- "$current")
}
complete -F _weir weir
"""


def spellings(option):
    return [f"--{option.name}"] + ([f"-{option.short}"] if option.short else [])


def patterns(command, option):
    return "|".join(f"{command},{spelling}" for spelling in spellings(option))


def bash():
    values, options = [], []
    commands = option_tables.commands()
    for name, table in commands.items():
        listed = option_tables.words(name) + [f"--{option.name}" for option in table]
        options.append(f'    {name}) options="{" ".join(listed)}" ;;')
        for option in table:
            if option.words:
                values.append(f'    {patterns(name, option)}) values="{" ".join(option.words)}" ;;')
            elif option.is_file:
                values.append(f"    {patterns(name, option)}) files=1 ;;")
            elif option.argument and not option.argument.startswith("[="):
                values.append(f"    {patterns(name, option)}) return ;;")
    return FIRST.format("bash") + (BASH.replace("@COMMANDS@", "|".join(commands)).replace("@NAMES@", " ".join(commands))
                                   .replace("@VALUES@", "\n".join(values)).replace("@OPTIONS@", "\n".join(options)))


# ---- zsh ----


def zsh_quoted(text):
    for short in "\\[]:":
        text = text.replace(short, "\\" + short)
    return text.replace("'", "'\\''")


def zsh_action(option):
    if option.words:
        return f"({' '.join(option.words)})"
    return "_files" if option.is_file else " "


def zsh_specs(option):
    for spelling in spellings(option):
        help_text = f"[{zsh_quoted(option.summary)}]"
        if not option.argument:
            yield f"'*{spelling}{help_text}'"
        else:
            mark = "=" if spelling.startswith("--") else "+"
            yield f"'*{spelling}{mark}{help_text}:{zsh_quoted(option.argument)}:{zsh_action(option)}'"


def zsh():
    commands = option_tables.commands()
    lines = ["#compdef weir", FIRST.format("zsh").rstrip(), "", "_weir() {", "    local command=serve word",
             "    for word in ${words[2,CURRENT-1]}; do", "        case $word in",
             f"        {'|'.join(commands)}) command=$word; break ;;", "        -*) break ;;", "        esac", "    done",
             "    if (( CURRENT == 2 )); then", f"        compadd -- {' '.join(commands)}", "    fi",
             "    case $command in"]
    for name, table in commands.items():
        own = option_tables.words(name)
        lines += [f"    {name})"]
        lines += ["        if (( CURRENT == 3 )); then", f"            compadd -- {' '.join(own)}", "        fi"] if own else []
        lines += ["        _arguments \\"]
        lines += [f"            {spec} \\" for option in table for spec in zsh_specs(option)]
        lines += ["            '*: :_files'", "        ;;"]
    return "\n".join(lines + ["    esac", "}", "", '_weir "$@"', ""])


# ---- fish ----


def fish_quoted(text):
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def fish_option(condition, option):
    words = ["complete -c weir -n", fish_quoted(condition), f"-l {option.name}"]
    if option.short:
        words.append(f"-s {option.short}")
    if option.words:
        words += ["-x -a", fish_quoted(" ".join(option.words))]
    elif option.is_file:
        words.append("-r -F")
    elif option.argument and not option.argument.startswith("[="):
        words.append("-x")
    return " ".join([*words, "-d", fish_quoted(option.summary)])


def fish():
    commands = option_tables.commands()
    names = " ".join(commands)
    lines = [FIRST.format("fish"), f"complete -c weir -f -n '__fish_is_first_arg' -a {fish_quoted(names)}"]
    for name, table in commands.items():
        seen = f"__fish_seen_subcommand_from {name}"
        if name == "serve":  # its name can be left out
            others = " ".join(other for other in commands if other != "serve")
            seen = f"not __fish_seen_subcommand_from {others}"
        own = option_tables.words(name)
        if own:
            lines.append(f"complete -c weir -n {fish_quoted(seen)} -a {fish_quoted(' '.join(own))}")
        lines += [fish_option(seen, option) for option in table]
    return "\n".join(lines) + "\n"


# ---- PowerShell ----

POWERSHELL = r"""
Register-ArgumentCompleter -Native -CommandName weir, weir.exe -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $options = @{
@OPTIONS@
    }
    $values = @{
@VALUES@
    }
    $words = @($commandAst.CommandElements | ForEach-Object { $_.ToString() })
    $command = 'serve'
    foreach ($word in $words | Select-Object -Skip 1) {
        if ($options.ContainsKey($word)) { $command = $word; break }
        if ($word.StartsWith('-')) { break }
    }
    $before = if ($wordToComplete) { $words[-2] } else { $words[-1] }
    $proposed = $values["$command $before"]
    if (-not $proposed) {
        $proposed = $options[$command]
        if ($words.Count -le 2) { $proposed = @($options.Keys | Sort-Object) + $proposed }
    }
    $proposed | Where-Object { $_ -like "$wordToComplete*" } | ForEach-Object {
        [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_)
    }
}
"""


def power_list(words):
    return "@(" + ", ".join("'" + word.replace("'", "''") + "'" for word in words) + ")"


def power_shell():
    options, values = [], []
    for name, table in option_tables.commands(on_windows=True).items():
        listed = option_tables.words(name) + [f"--{option.name}" for option in table]
        options.append(f"        '{name}' = {power_list(listed)}")
        values += [f"        '{name} {spelling}' = {power_list(option.words)}"
                   for option in table if option.words for spelling in spellings(option)]
    return FIRST.format("PowerShell") + (POWERSHELL.replace("@OPTIONS@", "\n".join(options))
                                         .replace("@VALUES@", "\n".join(values)))


def all_shells():
    return {"weir.bash": bash(), "_weir": zsh(), "weir.fish": fish(), "weir.ps1": power_shell()}
