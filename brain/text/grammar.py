"""Regular expressions that are built from named forms, written as a small grammar.

Leaves out compiling, and what a form means. Serves the two rooms that read English out of a question: time windows, and
questions over the whole store.
"""

from __future__ import annotations


def grammar(rules: str, **forms: str) -> dict[str, str]:
    """Every form by name. A line `name = form` makes one, in which `%(other)s` stands for an earlier form; what is
    indented below a line continues it, without the white space before.

    >>> grammar("many = (?:two|%(few)s)\\nago = %(many)s\\n    \\\\s+ago", few="three")["ago"]
    '(?:two|three)\\\\s+ago'
    """
    name = ""
    for line in rules.strip().splitlines():
        form = line.strip()
        if not line.startswith(" "):
            name, _, form = line.partition(" = ")
            forms[name] = ""
        forms[name] += form % forms
    return forms
