"""Completion as a script of each shell; nothing in it runs the program."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator, Sequence

from clinseek_tui.completion.described import Described, Option, Takes

__all__ = ["SHELLS"]

_MADE = "# Completion, made by `clinseek-tui --install-completion {}`; make it anew after an update."
_TOP = ("--help", "--version", "--install-completion")


def _bash(commands: Sequence[Described]) -> Iterator[str]:
    names = " ".join(command.name for command in commands)
    yield _MADE.format("bash")
    yield "_clinseek_tui() {"
    yield '    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command="" word words=""'
    yield "    COMPREPLY=()"
    yield '    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do'
    yield "        case $word in -*) ;; *) command=$word; break ;; esac"
    yield "    done"
    yield "    case $command:$prev in"
    yield '        :--install-completion) words="bash fish zsh" ;;'
    for command in commands:
        for option in command.options:
            pattern = "|".join(f"{command.name}:{flag}" for flag in option.flags)
            if option.takes.kind != "nothing":
                yield f"        {pattern}) {_bash_words(option.takes)} ;;"
    yield "        *)"
    yield "            case $command:$cur in"
    yield f'                :-*) words="{" ".join(_TOP)}" ;;'
    yield f'                :*) words="{names}" ;;'
    for command in commands:
        flags = " ".join(flag for option in command.options for flag in option.flags)
        yield f'                {command.name}:-*) words="{flags}" ;;'
        if command.arguments.words:
            yield f"                {command.name}:*) {_bash_words(command.arguments)} ;;"
    yield "            esac ;;"
    yield "    esac"
    yield "    # Where nothing is offered, `-o default` completes the names of files."
    yield '    [[ -n $words ]] && COMPREPLY=($(compgen -W "$words" -- "$cur"))'
    yield "    return 0"
    yield "}"
    yield "complete -o default -F _clinseek_tui clinseek-tui"


def _bash_words(takes: Takes) -> str:
    return f"words={shlex.quote(' '.join(takes.words))}"


def _zsh(commands: Sequence[Described]) -> Iterator[str]:
    yield "#compdef clinseek-tui"
    yield _MADE.format("zsh")
    yield "_clinseek_tui() {"
    yield "    local context state state_descr line"
    yield "    typeset -A opt_args"
    yield "    local -a commands"
    yield "    commands=("
    yield from (f"        {shlex.quote(f'{command.name}:{command.help}')}" for command in commands)
    yield "    )"
    yield "    _arguments -C '--help[what there is]' '--version[which version this is]' \\"
    yield "        '--install-completion[completion of a shell]:shell:(bash fish zsh)' \\"
    yield "        '1:command:->command' '*::argument:->arguments'"
    yield "    case $state in"
    yield "        command) _describe -t commands command commands ;;"
    yield "        arguments)"
    yield "            case $words[1] in"
    for command in commands:
        yield f"                {command.name})"
        yield "                    _arguments \\"
        for option in command.options:
            yield from (f"                        {_zsh_option(flag, option)} \\" for flag in option.flags)
        yield f"                        {shlex.quote(f'*:argument:{_zsh_takes(command.arguments)}')} ;;"
    yield "            esac ;;"
    yield "    esac"
    yield "}"
    yield "# Loaded by compinit it is called as a completer; where it is sourced it says what it completes."
    yield 'if [[ $funcstack[1] == _clinseek-tui ]]; then _clinseek_tui "$@"'
    yield "else compdef _clinseek_tui clinseek-tui; fi"


def _zsh_option(flag: str, option: Option) -> str:
    told = re.sub(r"([\[\]:\\])", r"\\\1", option.help)
    value = "" if option.takes.kind == "nothing" else f":value:{_zsh_takes(option.takes)}"
    return shlex.quote(f"*{flag}[{told}]{value}")


def _zsh_takes(takes: Takes) -> str:
    if takes.words and takes.kind == "files":
        return f'{{_alternative "words:word:({" ".join(takes.words)})" "files:file:_files"}}'
    return {"words": f"({' '.join(takes.words)})", "files": "_files"}.get(takes.kind, "")


def _fish(commands: Sequence[Described]) -> Iterator[str]:
    yield _MADE.format("fish")
    top = "complete -c clinseek-tui -n __fish_use_subcommand"
    yield f"{top} -f"
    yield f"{top} -l version -d 'which version this is'"
    yield f"{top} -l install-completion -x -a 'bash fish zsh' -d 'completion of a shell'"
    for command in commands:
        yield f"{top} -a {command.name} -d {_fish_quoted(command.help)}"
    for command in commands:
        within = f"complete -c clinseek-tui -n '__fish_seen_subcommand_from {command.name}'"
        if command.arguments.kind != "files":
            yield f"{within} -f"
        if command.arguments.words:
            yield f"{within} -a {_fish_quoted(' '.join(command.arguments.words))}"
        for option in command.options:
            names = " ".join(_fish_flag(flag) for flag in option.flags)
            yield f"{within} {names}{_fish_takes(option.takes)} -d {_fish_quoted(option.help)}"


def _fish_flag(flag: str) -> str:
    return f"-l {flag[2:]}" if flag.startswith("--") else f"-s {flag[1:]}"


def _fish_takes(takes: Takes) -> str:
    words = f" -x -a {_fish_quoted(' '.join(takes.words))}"
    return {"nothing": "", "words": words, "files": " -r -F", "text": " -x"}[takes.kind]


def _fish_quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


SHELLS: dict[str, Callable[[Sequence[Described]], Iterator[str]]] = {
    "bash": _bash,
    "fish": _fish,
    "zsh": _zsh,
}
"""Each shell, and the lines of its script."""
