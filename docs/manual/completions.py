# SPDX-License-Identifier: Apache-2.0
"""Completions for shells, made of the options that hozo prints itself."""
import options as command_line

HEAD = "# SPDX-License-Identifier: Apache-2.0\n# Generated: see docs/manual.\n"


def kind(o):
    """What an argument is completed with: "directory", "file", "id", "plugin", words, or nothing."""
    if not o.argument:
        return None
    if o.choices:
        return o.choices
    return {"DIR": "directory", "FILE": "file", "SOCKET": "file", "PATH": "file"}.get(o.argument, "anything")


def offered(options):
    return [o for o in options if not o.ignored and not o.help.startswith("hozo's own")]


def has_id(verb):
    """Of a container that exists."""
    return "ID" in verb.arguments.split() and verb.name not in ("create", "run") and verb.arguments != "[OPTIONS] [ID]"


# --- bash

BASH = r"""
# What the option $2 of the verb $1 (of none: "") takes; nothing if it takes nothing.
_hozo_takes() {
    REPLY=
    case "$1 $2" in
@TAKES@
    esac
}

# The options of the verb $1.
_hozo_options() {
    case $1 in
@OPTIONS@
    esac
}

_hozo_value() {
    case $1 in
    directory) COMPREPLY=($(compgen -d -- "$2")) && compopt -o filenames 2>/dev/null ;;
    file) COMPREPLY=($(compgen -f -- "$2")) && compopt -o filenames 2>/dev/null ;;
    anything) ;;
    *) COMPREPLY=($(compgen -W "$1" -- "$2")) ;;
    esac
}

_hozo() {
    local cur=${COMP_WORDS[COMP_CWORD]} word verb= takes= REPLY i
    local -a words=() before=()
    local IFS=$' \t\n'

    COMPREPLY=()
    # "--root=DIR" comes in three words.
    [[ $cur == = ]] && cur=
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if [[ $word == = ]]; then
            continue
        elif [[ $takes ]]; then
            takes=
            [[ $verb ]] || before+=("$word")
        elif [[ $word == -?* && ( ${#words[@]} -eq 0 || $verb == update ) ]]; then
            _hozo_takes "$verb" "$word"
            takes=$REPLY
            [[ $verb ]] || before+=("$word")
        elif [[ ! $verb ]]; then
            verb=$word
        elif [[ ${#words[@]} -eq 0 && "@NESTED@" == *" $verb $word "* ]]; then
            verb="$verb $word"
        else
            words+=("$word")
        fi
    done
    if [[ $takes ]]; then
        _hozo_value "$takes" "$cur"
    elif [[ $cur == -* && ( ${#words[@]} -eq 0 || $verb == update ) ]]; then
        COMPREPLY=($(compgen -W "$(_hozo_options "$verb")" -- "$cur"))
    elif [[ ! $verb ]]; then
        COMPREPLY=($(compgen -W "@VERBS@" -- "$cur"))
    else
        case "$verb ${#words[@]} ${words[0]}" in
        "plugin 0 ") COMPREPLY=($(compgen -W "@ACTIONS@" -- "$cur")) ;;
        "plugin 1 info") COMPREPLY=($(compgen -W "$("${COMP_WORDS[0]}" "${before[@]}" plugin list 2>/dev/null |
            sed -n 's/^\([^ ]*\)\.so .*/\1/p')" -- "$cur")) ;;
        "plugin check 0 ") _hozo_value file "$cur" ;;
        "plugin 1 dir") COMPREPLY=($(compgen -W --settings -- "$cur")) ;;
        "kill 1 "*) COMPREPLY=($(compgen -A signal -- "${cur:+SIG${cur#SIG}}")) ;;
        @IDS@) COMPREPLY=($(compgen -W "$("${COMP_WORDS[0]}" "${before[@]}" list --quiet 2>/dev/null)" -- "$cur")) ;;
        esac
    fi
}

complete -F _hozo hozo
"""


def bash(before, verbs, nested):
    takes = []
    rows = [("", before), *((v.name, v.options) for v in [*verbs, *nested])]
    for name, options in rows:
        for o in options:
            k = kind(o)
            if k:
                patterns = [f'"{name} --{o.name}"', f'"{name} -{o.name}"'] + (
                    [f'"{name} -{o.letter}"'] if o.letter else [])
                words = " ".join(k) if isinstance(k, list) else k
                takes.append(f"    {' | '.join(patterns)}) REPLY='{words}' ;;")
    listed = [f"    {chr(34)}{name}{chr(34)}) echo '{' '.join(sum(([f'--{o.name}'] for o in offered(options)), []))}' ;;"
              for name, options in rows]
    ids = " | ".join(f'"{v.name} 0 "' for v in verbs if has_id(v))
    actions = " ".join(name for v in verbs for name, _ in command_line.actions(v))
    return ("# bash completion for hozo\n" + HEAD +
            BASH.replace("@TAKES@", "\n".join(takes)).replace("@OPTIONS@", "\n".join(listed))
            .replace("@VERBS@", " ".join(v.name for v in verbs)).replace("@ACTIONS@", actions).replace("@IDS@", ids)
            .replace("@NESTED@", "".join(f" {v.name} " for v in nested)))


# --- zsh

ZSH = r"""
_hozo_ids() {
    local -a ids
    ids=(${(f)"$(_call_program containers ${service:-hozo} ${opt_args[--root]:+--root} ${opt_args[--root]} list --quiet 2>/dev/null)"})
    compadd -a ids
}

_hozo_plugins() {
    local -a names
    names=(${${(f)"$(_call_program plugins hozo plugin list 2>/dev/null)"}%%.so *})
    compadd -a names
}

_hozo_verbs() {
    local -a verbs
    verbs=(
@VERBS@
    )
    _describe -t verbs verb verbs
}

_hozo() {
    local curcontext=$curcontext state line
    typeset -A opt_args

    _arguments -C \
@BEFORE@
        '1:verb:_hozo_verbs' '*::argument:->arguments' && return
    [[ $state == arguments ]] || return
    case $words[1] in
@CASES@
    esac
}

_hozo "$@"
"""


def zsh_quoted(text):
    return "'" + text.replace("'", "'\\''") + "'"


def zsh_help(text):
    for c in "\\[]:":
        text = text.replace(c, "\\" + c)
    return text


def zsh_option(o):
    k = kind(o)
    value = ""
    if k:
        how = {"directory": "_files -/", "file": "_files", "anything": " "}.get(k if isinstance(k, str) else "",
                                                                              f"({' '.join(k)})")
        value = f":{zsh_help(o.argument)}:{how}"
    names = [f"--{o.name}"] + ([f"-{o.letter}"] if o.letter else [])
    return [zsh_quoted(f"*{n}[{zsh_help(o.help)}]{value}") for n in names]


def zsh_rows(options, indent):
    return [" " * indent + row + " \\" for o in offered(options) for row in zsh_option(o)]


def zsh_positions(verb):
    if verb.name == "plugin":
        actions = command_line.actions(verb)
        return [f"'1:action:({' '.join(n for n, _ in actions)})'",
                "'2:argument:{ case $words[2] in info) _hozo_plugins ;; dir) compadd -- --settings ;; esac }'"]
    if not has_id(verb):
        return []
    return ["'1:container:_hozo_ids'"] + (["'2:signal:_signals'"] if verb.name == "kill" else [])


def zsh(before, verbs, nested):
    cases = []
    for v in nested:
        verb, action = v.name.split()
        cases += [f"    {verb})", f"        if [[ $words[2] == {action} ]]; then", "            shift words",
                  "            (( CURRENT-- ))", "            _arguments \\", *zsh_rows(v.options, 16),
                  "                '*:file:_files'", "            return", "        fi", "        ;|"]
    for v in verbs:
        cases += [f"    {v.name})", "        _arguments \\", *zsh_rows(v.options, 12),
                  "            " + " ".join(zsh_positions(v) or ["'*: :'"]), "        ;;"]
    described = "\n".join("        " + zsh_quoted(f"{v.name}:{zsh_help(v.help)}") for v in verbs)
    return ("#compdef hozo\n" + HEAD +
            ZSH.replace("@VERBS@", described).replace("@BEFORE@", "\n".join(zsh_rows(before, 8)))
            .replace("@CASES@", "\n".join(cases)))


# --- fish

FISH = r"""
# The verb, and how many words that are no options follow it.
function __hozo_verb
    for word in (commandline -opc)[2..]
        if contains -- $word @VERBS@
            echo $word
            return
        end
    end
    echo none
end

function __hozo_at # VERB WORD…: these words were typed
    string match -q -- "* $argv *" " "(string join " " -- (commandline -opc))" "
end

function __hozo_ids
    hozo list --quiet 2>/dev/null
end

function __hozo_plugins
    hozo plugin list 2>/dev/null | string replace -rf '\.so .*' ''
end

complete -c hozo -f
"""


def fish_quoted(text):
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def fish_option(when, o):
    k = kind(o)
    row = ["complete -c hozo", "-n", fish_quoted(when)]
    row += [f"-o {o.name}" if len(o.name) == 1 else f"-l {o.name}"] + ([f"-s {o.letter}"] if o.letter else [])
    if isinstance(k, list):
        row += ["-x", "-a", fish_quoted(" ".join(k))]
    elif k:
        row.append({"directory": "-x -a '(__fish_complete_directories)'", "file": "-r -F", "anything": "-x"}[k])
    return " ".join([*row, "-d", fish_quoted(o.help)])


def fish(before, verbs, nested):
    out = [fish_option("test (__hozo_verb) = none", o) for o in offered(before)]
    out += [fish_option(f"__hozo_at {v.name}", o) for v in nested for o in offered(v.options)]
    for v in verbs:
        out.append(f"complete -c hozo -n 'test (__hozo_verb) = none' -a {v.name} -d {fish_quoted(v.help)}")
        out += [fish_option(f"test (__hozo_verb) = {v.name}", o) for o in offered(v.options)]
        here = fish_quoted(f"test (__hozo_verb) = {v.name}")
        if has_id(v):
            out.append(f"complete -c hozo -n {here} -a '(__hozo_ids)'")
        for name, _ in command_line.actions(v):
            out.append(f"complete -c hozo -n {here} -a {name}")
    out += ["complete -c hozo -n '__hozo_at plugin info' -a '(__hozo_plugins)'",
            "complete -c hozo -n '__hozo_at plugin check' -F",
            "complete -c hozo -n '__hozo_at plugin dir' -l settings"]
    return HEAD + FISH.replace("@VERBS@", " ".join(v.name for v in verbs)) + "\n".join(out) + "\n"


SHELLS = {"hozo.bash": bash, "_hozo": zsh, "hozo.fish": fish}
