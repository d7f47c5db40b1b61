"""Mistakes in settings, all in one voice: what is wrong and where it stands, then what would be right, with an example.

A setting stands in a line of `config.toml` or in a variable; `Origin` names that place and writes the example as it
would stand there. Serves `brain.config`, which knows the settings and what each may be.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from brain.errors import BrainError, UsageError

PREFIX = "BRAIN_"
# Settings whose default says nothing of what they may be.
EXAMPLES: dict[str, Any] = {
    "ollama.trusted_hosts": ("192.168.1.5",),
    "ollama.keep_alive": "10m",
    "ingest.notes_dir": "~/notes",
}
KINDS = {
    str: "a text",
    int: "a whole number",
    float: "a number",
    tuple: "a list of texts",
}
_HEADER = re.compile(r"\s*\[\s*([^\[\]]+?)\s*\]")
_NAME = re.compile(r"""\s*["']?([\w.-]+)["']?\s*=""")
_AT_LINE = re.compile(r" \(at line (\d+), column \d+\)")


@dataclass(frozen=True, slots=True)
class Origin:
    """A settings file with its text; without a path the environment."""

    path: str = ""
    text: str = ""

    def place(self, section: str, name: str = "") -> str:
        """The variable, or the file and the line, in which a setting (without a name: its section) stands."""
        if not self.path:
            return variable(section, name)
        line = _line_of(self.text, section, name)
        if not line:
            return self.path
        return f"{self.path}, line {line}"

    def example(self, section: str, name: str, default: Any) -> str:
        """The setting with a value that fits, as it would be written there."""
        value = EXAMPLES.get(f"{section}.{name}", default)
        if self.path:
            return f"{name} = {_as_toml(value)}"
        said = value
        if isinstance(value, tuple):
            said = ",".join(value)
        return f"{variable(section, name)}={said}"


def variable(section: str, name: str) -> str:
    """The variable of a setting.

    >>> variable("ollama", "host")
    'BRAIN_OLLAMA_HOST'
    """
    return f"{PREFIX}{section}_{name}".upper()


def unknown_section(section: str, origin: Origin, known: Collection[str]) -> UsageError:
    """A section that there is not."""
    place = origin.place(section)
    what = f"there is no section [{section}] ({place})"
    meant = ""
    close = _nearest(section, known)
    if close:
        meant = f"did you mean [{close}]? "
    sections = ", ".join(known)
    return UsageError(what, f"{meant}sections: {sections}")


def no_section(section: str, origin: Origin, example: str) -> UsageError:
    """A value where a section is expected."""
    place = origin.place(section)
    what = f"{section} is a section, not a value ({place})"
    hint = f"write [{section}] on a line of its own and the settings below it, for instance: {example}"
    return UsageError(what, hint)


def unknown_setting(
    section: str, name: str, origin: Origin, examples: dict[str, str]
) -> UsageError:
    """A name that the section does not have. `examples`: its settings, each with one."""
    place = origin.place(section, name)
    what = f"there is no setting {section}.{name} ({place})"
    names = ", ".join(examples)
    hint = f"settings of [{section}]: {names}"
    close = _nearest(name, examples)
    if close:
        hint = f"did you mean {close}? For instance: {examples[close]}"
    return UsageError(what, hint)


def wrong_value(
    section: str, name: str, value: Any, origin: Origin, must: str, default: Any
) -> UsageError:
    """A value that does not fit. `must`: what it must be, as in "a whole number"."""
    place = origin.place(section, name)
    example = origin.example(section, name, default)
    what = f"{section}.{name} is {value!r} ({place})"
    return UsageError(what, f"it must be {must}, for instance: {example}")


def unknown_variable(name: str, known: Collection[str]) -> UsageError:
    """A variable that would be taken for a setting and does nothing."""
    what = f"{name} is no setting of brain (a variable of the environment)"
    close = _nearest(name, known)
    meant = f"did you mean {close}? " if close else ""
    return UsageError(what, f"{meant}To do without it: unset {name}")


def no_toml(path: str, error: Exception) -> UsageError:
    """A file that is not written as TOML is."""
    said = str(error)
    at = _AT_LINE.search(said)
    place = path
    if at:
        place = f"{path}, line {at[1]}"
    reason = _AT_LINE.sub("", said)
    what = f"{place}: this is not TOML: {reason}"
    hint = 'mend the line; a setting is written as: ask = "auto", below its section: [models]'
    return UsageError(what, hint)


def unreadable(path: str, reason: str) -> BrainError:
    """A file that cannot be read."""
    what = f"{path} cannot be read: {reason}"
    hint = f"put a text file there that you may read (chmod 600 {path}), or move it away: then the defaults serve"
    return BrainError(what, hint)


def open_to_all(path: str) -> BrainError:
    """A file that anybody may write."""
    hint = f"only you should write it: chmod 600 {path}"
    return BrainError(f"{path} can be written by anyone", hint)


def _nearest(wrong: str, known: Collection[str]) -> str:
    alike = difflib.get_close_matches(wrong, known, n=1)
    return alike[0] if alike else ""


def _as_toml(value: Any) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(_as_toml, value))}]"
    if isinstance(value, str):
        return f'"{value}"'
    return str(value)


def _line_of(text: str, section: str, name: str) -> int:
    """The line, from 1, in which a setting stands; that of its section when it is not found, 0 without either.

    >>> _line_of("[ingest]\\nchunk_tokens = 0\\n", "ingest", "chunk_tokens")
    2
    """
    wanted = f"{section}.{name}"
    inside = ""
    at = 0
    for number, row in enumerate(text.splitlines(), 1):
        header = _HEADER.match(row)
        if header:
            inside = header[1].strip("\"' ")
        named = _NAME.match(row)
        key = named[1] if named else ""
        # Below its section, or with the name of the section before it.
        if name and wanted in (key, f"{inside}.{key}"):
            return number
        if not at and section in (inside, key):
            at = number
    return at
