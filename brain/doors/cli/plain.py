"""Values of the command line that are what they should be already: taken as they are, without loading pydantic.

typer 0.29 hands every value, a default too, to a pydantic adapter, whose import takes longer than a search by
words. Here a text that is wanted as a text, a path, a list of either, a whole number within its range and a default
of the right type pass by; everything else (a wrong number, a file that cannot be read, a choice that was typed) takes
typer's own way, with its messages. Leaves out parsing. A later typer without these names works as before, only slower.
Serves `app`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, get_args, get_origin

import typer.core

try:
    from typer._coercion import RuntimeParam, build_runtime_param
except ImportError:
    # Another version of typer: its own way serves for everything.
    RuntimeParam = None  # type: ignore[misc, assignment]

ABSENT = object()
NEGATIVE = re.compile(r"-\.?\d\S*")


class _Plainly:
    """What a command and a group have in common."""

    def parse_args(self: Any, ctx: Any, args: list[str]) -> Any:
        """Parse, with the plain way put in front of typer's own."""
        prefer_plain(self.get_params(ctx))
        return super().parse_args(ctx, args)  # type: ignore[misc]


class Command(_Plainly, typer.core.TyperCommand):
    """A command whose plain values load nothing. A negative number is a value of it, and no option."""

    def make_parser(self, ctx: Any) -> Any:
        """The parser, which hands on a negative number as the word that it is, to be told what is wrong with it."""
        parser: Any = super().make_parser(ctx)
        as_option = getattr(parser, "_process_opts", None)

        def read(word: str, state: Any) -> None:
            if NEGATIVE.fullmatch(word):
                state.largs.append(word)
            elif as_option is not None:
                as_option(word, state)

        parser._process_opts = read
        return parser


class Group(_Plainly, typer.core.TyperGroup):
    """A group of commands whose own options load nothing either."""


def prefer_plain(parameters: Iterable[Any]) -> None:
    """Give every parameter that has no coercion yet the plain one."""
    for parameter in parameters:
        if (
            RuntimeParam is not None
            and getattr(parameter, "_runtime_param", ABSENT) is None
        ):
            parameter._runtime_param = Plain.of(parameter)


if RuntimeParam is not None:

    class Plain(RuntimeParam):
        """A parameter's coercion: `taken`, else typer's own."""

        @classmethod
        def of(cls, parameter: Any) -> Plain:
            """For one parameter, by its descriptor."""
            descriptor = parameter.type_descriptor
            return cls(
                parameter_info=descriptor.parameter_info,
                annotation=descriptor.annotation,
            )

        def _coerce_value(self, value: Any, param: Any, ctx: Any) -> Any:
            plain = ABSENT
            if self.parameter_info.parser is None:
                plain = taken(self.annotation, value, self.parameter_info)
            if plain is not ABSENT:
                return plain
            typers_own = build_runtime_param(param.type_descriptor)
            return typers_own._coerce_value(value, param=param, ctx=ctx)


def taken(annotation: Any, value: Any, limits: Any) -> Any:
    """The value as it is wanted, ABSENT when it is not plain. `limits` has `min` and `max`, None without one."""
    if get_origin(annotation) is list:
        return _list(annotation, value)
    if annotation is Path and type(value) is str:
        return _path(value)
    if annotation is int and type(value) is str and value.isascii() and value.isdigit():
        value = int(value)
    if not isinstance(annotation, type) or type(value) is not annotation:
        return ABSENT
    if annotation not in (int, float):
        return value
    if limits.min is not None and value < limits.min:
        return ABSENT
    if limits.max is not None and value > limits.max:
        return ABSENT
    return value


def _list(annotation: Any, value: Any) -> Any:
    """A list of texts, or of paths."""
    if not isinstance(value, list | tuple) or any(
        type(item) is not str for item in value
    ):
        return ABSENT
    if get_args(annotation) == (str,):
        return list(value)
    if get_args(annotation) != (Path,):
        return ABSENT
    paths = [_path(item) for item in value]
    return ABSENT if ABSENT in paths else paths


def _path(value: str) -> Any:
    """A path of which nothing has to be said: nothing is there, or what can be read."""
    if "\0" in value or (os.path.exists(value) and not os.access(value, os.R_OK)):
        return ABSENT
    return Path(value)
