"""Source code by tree-sitter: functions and classes whole, with the comments and decorators above them, under the path
of names that contain them ("Store", "save").

The text stays as it is, line for line; what lies between definitions is plain blocks. Leaves out references and types.
A syntax error costs nothing: tree-sitter goes on, and where it cannot, the file is plain text. Serves `loading`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from ingest.document import Heading, Section
from ingest.locators import of_lines
from ingest.readers.outline import one_line
from ingest.readers.payloads import refuse_minified
from ingest.readers.text import readable
from ingest.reading import Raw, Reading, Readings

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

# A class up to this length (about 300 tokens) is one section; a longer one is cut by its methods.
WHOLE_CHARS = 1_200
NAME_CHARS = 100
DEPTH = 6  # definitions within definitions that are told apart
# The two languages of one module, with the functions that give them; any other is its module's `language`.
_TYPESCRIPT = {"typescript": "language_typescript", "tsx": "language_tsx"}
# Node names of the grammars above. A function is kept whole, a container may be opened, a wrapper stands for what is
# inside it.
_FUNCTIONS = set(
    "function_definition function_declaration generator_function_declaration method_definition method_declaration "
    "constructor_declaration compact_constructor_declaration function_item function_signature_item method "
    "singleton_method macro_definition type_declaration type_alias_declaration".split()
)
_CONTAINERS = set(
    "class_definition class_declaration abstract_class_declaration class class_specifier struct_specifier module "
    "impl_item trait_item mod_item struct_item enum_item enum_declaration record_declaration interface_declaration "
    "annotation_type_declaration namespace_definition internal_module".split()
)
_WRAPPERS = set(
    "decorated_definition export_statement template_declaration ambient_declaration linkage_specification "
    "preproc_ifdef preproc_if lexical_declaration variable_declaration expression_statement singleton_class".split()
)
_BODIES = set(
    "block class_body declaration_list field_declaration_list body_statement interface_body enum_body "
    "enum_body_declarations statement_block object_type enum_member_declaration_list".split()
)
_OPENED = _WRAPPERS | _BODIES
_VALUES = {
    "arrow_function",
    "function_expression",
    "function",
    "class",
}  # const f = () => …
_COMMENTS = set(
    "comment line_comment block_comment attribute_item inner_attribute_item decorator".split()
)

Part = tuple[int, int, Heading]  # first line, line after the last, names


def read(raw: Raw) -> Readings:
    """One document."""
    text, notices = readable(raw)
    refuse_minified(raw, text)
    lines = text.split("\n")
    language = raw.media_type.removeprefix("text/x-")
    try:
        tree = _parser(language).parse(text.encode())
        parts = list(_parts(tree.root_node, (), 0, DEPTH))
    except (RecursionError, ValueError) as error:
        parts = []
        notices = (*notices, f"read as plain text ({type(error).__name__})")
    # People ask for "python function that …", and no Python file says so itself.
    title = ""
    if raw.name:
        title = f"{raw.name} ({language})"
    yield Reading(list(_sections(lines, parts)), title=title, notices=notices)


@cache
def _parser(language: str) -> Parser:
    from tree_sitter import Language, Parser

    function = _TYPESCRIPT.get(language)
    if function:
        language = "typescript"
    grammar = import_module(f"tree_sitter_{language}")
    made = getattr(grammar, function or "language")()
    return Parser(Language(made))


def _parts(parent: Node, names: Heading, first: int, depth: int) -> Iterator[Part]:
    """The definitions in a node, each from the comments above it; `first` is the first line that may still be taken."""
    last = -1
    above: int | None = None  # where the comments directly above begin
    for node in parent.named_children:
        start = node.start_point.row
        end = node.end_point.row
        if node.end_point.column > 0:
            end += 1
        if above is None or start > last:
            above = start
        if node.type in _COMMENTS:
            last = end
            continue
        begin = max(above, first)
        above = None
        inner = _definition(node)
        if inner is None:
            if depth and end - start > 1 and node.type in _OPENED:
                yield from _parts(node, names, max(first, start), depth - 1)
            continue
        if end <= begin:
            continue
        path = (*names, _name(inner))
        yield begin, end, path
        body = _body(inner) if inner.type in _CONTAINERS else None
        is_long = inner.end_byte - inner.start_byte > WHOLE_CHARS
        if depth and is_long and body is not None:
            below = max(begin + 1, body.start_point.row)
            yield from _parts(body, path, below, depth - 1)
        first = end


def _definition(node: Node) -> Node | None:
    """The function or container that a node is or wraps."""
    for _level in range(4):
        if node.type in _FUNCTIONS or (
            node.type in _CONTAINERS and _body(node) is not None
        ):
            return node
        if node.type == "variable_declarator":
            value = node.child_by_field_name("value")
            if value is not None and value.type in _VALUES:
                return node
            return None
        if node.type not in _WRAPPERS or node.type.startswith(("preproc", "linkage")):
            return None
        inner = _first_field(node, "definition", "declaration")
        children = [
            child for child in node.named_children if child.type not in _COMMENTS
        ]
        if inner is None and not children:
            return None
        node = inner or children[-1]
    return None


def _first_field(node: Node, *fields: str) -> Node | None:
    """The child under the first of the fields that the node has."""
    for field in fields:
        if child := node.child_by_field_name(field):
            return child
    return None


def _body(node: Node) -> Node | None:
    bodies = (child for child in node.named_children if child.type in _BODIES)
    return node.child_by_field_name("body") or next(bodies, None)


def _name(node: Node) -> str:
    """What the definition is called, by the grammar's fields; the node's kind when it has no name."""
    named = node
    for _level in range(6):
        inner = _first_field(named, "name", "declarator", "type")
        if inner is None or named.type == "qualified_identifier":  # tea::Pot::heat
            break
        named = inner
    if named is node and node.type == "type_declaration" and node.named_children:
        return _name(node.named_children[0])
    found = named.text if named is not node else None
    name = node.type
    if found:
        name = found.decode("utf-8", "replace")
    return one_line(name)[:NAME_CHARS]


def _sections(lines: list[str], parts: list[Part]) -> Iterator[Section]:
    """The whole file in order: each line belongs to the innermost part around it, else to plain text."""
    count = len(lines)
    part_of: list[Part | None] = [None] * count
    for part in parts:
        for line in range(part[0], min(part[1], count)):
            part_of[line] = part
    first = 0
    for at in range(1, count + 1):
        # A blank line goes with what precedes it.
        if at < count and (part_of[at] is part_of[first] or not lines[at].strip()):
            continue
        body = "\n".join(lines[first:at])
        if at < count:
            body += "\n"
        inside = part_of[first]
        if body:
            names = inside[2] if inside else ()
            yield Section(body, names, of_lines(first + 1, at), inside is not None)
        first = at
