"""What we know about models by their names: prefixes of embedding models, and which installed model to use unasked.

Leaves out asking the server: everything works on the entries of /api/tags as they came, and on a function that says
what a model can do.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from brain.errors import Refused
from brain.models.locality import Json, refuse_remote_fields, refuse_remote_name, whole
from brain.types import Texts

GB, MB = 10**9, 10**6  # bytes, as makers of models count
MEMORY_SHARE = 0.6  # of this machine's memory for the weights; Ollama's README: 4.1 GB in 8, 7.4 in 16, 19 in 32
ASSUMED_MEMORY = 8 << 30  # bytes, where the system does not say
WRITERS = ("qwen", "llama")  # families that write (the project's choice)
# Taken where none of those is: instruct models, as the library's names without "text" or "base" are.
SECOND_WRITERS = ("mistral", "ministral", "mixtral")
FAMILIES = (
    (WRITERS, "Qwen or Llama here that fits"),
    (SECOND_WRITERS, "Mistral here that fits, since no Qwen or Llama does"),
)
NO_WRITER = "no Qwen, Llama or Mistral model is installed"
NOT_WRITERS = re.compile(
    r"cod(er|e)|vision|vl\b|embed|guard|math|omni|audio|(^|-)(base|text)\b",
    re.IGNORECASE,
)
# The first of these that is installed embeds.
EMBEDDERS = (
    "nomic-embed-text",
    "mxbai-embed-large",
    "snowflake-arctic-embed",
    "bge-m3",
    "all-minilm",
)
EMBEDS = re.compile(r"embed|minilm|^bge-|paraphrase|\be5-", re.IGNORECASE)
BGE_QUERY = "Represent this sentence for searching relevant passages: "
BGE_CHINESE = "为这个句子生成表示以用于检索相关文章："
QWEN_QUERY = "Instruct: Given a web search query, retrieve relevant passages that answer the query\nQuery:"
E5_QUERY = f"{QWEN_QUERY} "  # the same task, with a space
PUBLISHERS = ("intfloat-",)  # that people put before a model's own name


@dataclass(frozen=True, slots=True)
class Prefixes:
    """What goes before a text so that the model knows its role; part of the fingerprint."""

    scheme: str = "none"
    document: str = ""
    query: str = ""

    def __str__(self) -> str:
        """The scheme, with a short hash of the strings, so that a corrected table is a new generation."""
        if not (self.document or self.query):
            return "none"
        both = f"{self.document}|{self.query}".encode()
        return f"{self.scheme}-{hashlib.sha256(both).hexdigest()[:8]}"


# By the start of the model's name; the longest start wins; a name that is not here has no prefixes. Each entry was
# read in the model's own card (Hugging Face), or a copy of it:
#   nomic-ai/nomic-embed-text-v1.5 and -v2-moe: "the text prompt must include a task instruction prefix", both roles
#   mixedbread-ai/mxbai-embed-large-v1: the prompt for queries, "besides that you don't need any prompt"
#   Snowflake/snowflake-arctic-embed-l, -m, -s, -xs, -m-long, -m-v1.5: query_prefix; -l-v2.0 and -m-v2.0: "query: "
#   google/embeddinggemma-300m (and -2): prompts "Retrieval-query" and "Retrieval-document", without a title
#   BAAI/bge-{large,base,small}-en-v1.5 and -zh-v1.5: query instruction; none for passages
#   Qwen/Qwen3-Embedding-0.6B, -4B, -8B: get_detailed_instruct, with the card's own task
#   intfloat/e5-*, multilingual-e5-*: "query: " and "passage: "; -instruct: an instruction for queries alone
# And those that want none: BAAI/bge-m3, sentence-transformers/all-MiniLM-*, paraphrase-multilingual-*,
# ibm-granite/granite-embedding-*.
PREFIXES: Mapping[str, Prefixes] = {
    "nomic-embed-text": Prefixes("nomic", "search_document: ", "search_query: "),
    "mxbai-embed-large": Prefixes("mxbai", "", BGE_QUERY),
    "snowflake-arctic-embed": Prefixes("arctic", "", BGE_QUERY),
    "snowflake-arctic-embed2": Prefixes("arctic2", "", "query: "),
    "snowflake-arctic-embed-l-v2": Prefixes("arctic2", "", "query: "),
    "snowflake-arctic-embed-m-v2": Prefixes("arctic2", "", "query: "),
    "embeddinggemma": Prefixes(
        "gemma", "title: none | text: ", "task: search result | query: "
    ),
    **dict.fromkeys(
        ("bge-large", "bge-base", "bge-small"), Prefixes("bge", "", BGE_QUERY)
    ),
    **dict.fromkeys(
        ("bge-large-zh", "bge-base-zh", "bge-small-zh"),
        Prefixes("bge", "", BGE_CHINESE),
    ),
    "qwen3-embedding": Prefixes("qwen3", "", QWEN_QUERY),
    **dict.fromkeys(
        (
            "e5-small",
            "e5-base",
            "e5-large",
            "multilingual-e5-small",
            "multilingual-e5-base",
            "multilingual-e5-large",
        ),
        Prefixes("e5", "passage: ", "query: "),
    ),
    "multilingual-e5-large-instruct": Prefixes("e5-instruct", "", E5_QUERY),
    "e5-mistral-7b-instruct": Prefixes("e5-instruct", "", E5_QUERY),
}


Abilities = Callable[[str], Texts | None]
"""What a model can do by /api/show, in Ollama's words; None where the server does not say: then its name must tell."""


def unsaid(_model: str) -> Texts | None:
    """A server that does not say what its models can do."""
    return None


def prefixes_of(model: str) -> Prefixes:
    """The prefixes of an embedding model, by its name without namespace and tag."""
    base = _base(model)
    for publisher in PUBLISHERS:
        base = base.removeprefix(publisher)
    known = [start for start in PREFIXES if base.startswith(start)]
    longest = max(known, key=len, default="")
    return PREFIXES.get(longest, Prefixes())


def best_writer(
    tags: Iterable[Json], *, abilities: Abilities = unsaid, memory: int | None = None
) -> tuple[str | None, str]:
    """(the model that writes when nobody chose, None when nothing installed fits; why). `memory`: bytes of the machine.

    It is the largest installed Qwen or Llama whose weights take at most `MEMORY_SHARE` of the memory, else a Mistral;
    never a coder, vision, embedding or remote model. `tags`: raw entries of /api/tags, whose names are given back.
    `abilities` is asked of as few models as possible.
    """
    if memory is None:
        memory = machine_memory()
    most = int(memory * MEMORY_SHARE)
    local = sorted(filter(_is_local, tags), key=_by_size, reverse=True)
    too_large: list[Json] = []
    for families, named in FAMILIES:
        for entry in local:
            if not _named_writer(entry, families):
                continue
            name = _name(entry)
            size = gigabytes(_size(entry))
            if _size(entry) > most:
                too_large.append(entry)
            elif can(name, "completion", abilities):
                return name, f"{name} answers: the largest {named} ({size})"
    if too_large:
        smallest = min(too_large, key=_size)
        needed = gigabytes(_size(smallest))
        why = f"{_name(smallest)} needs {needed}, more than the {gigabytes(most)} set aside"
        return None, why
    return None, f"{NO_WRITER}: `brain models advise` names one"


def is_second_choice(model: str) -> bool:
    """Whether a model is of a family that is only taken where the first ones are not there."""
    return _base(model).startswith(SECOND_WRITERS)


def best_embedder(tags: Iterable[Json], *, abilities: Abilities = unsaid) -> str | None:
    """The model that embeds when nobody chose: the first of EMBEDDERS that is installed, else one whose name says that
    it embeds, else any that proves to.
    """
    local = [entry for entry in tags if _is_local(entry)]
    names = sorted(map(_name, local))
    ranked: list[str] = []
    for start in EMBEDDERS:
        ranked += [name for name in names if _base(name).startswith(start)]
    ranked += [name for name in names if named_embedder(name)]
    unclear = [entry for entry in local if not _named_writer(entry, WRITERS)]
    ranked += sorted(map(_name, unclear))
    for name in dict.fromkeys(ranked):
        if can(name, "embedding", abilities):
            return name
    return None


def can(model: str, ability: str, abilities: Abilities) -> bool:
    """Whether a model has an ability ("completion", "embedding"); by its name where the server does not say."""
    known = abilities(model)
    if known is not None:
        return ability in known
    return named_embedder(model) == (ability == "embedding")


def named_embedder(model: str) -> bool:
    """Whether a name is one of an embedding model."""
    return bool(EMBEDS.search(_base(model)))


def machine_memory() -> int:
    """Bytes of memory of this machine; 8 GB where the system does not say."""
    try:
        page = os.sysconf("SC_PAGE_SIZE")
        return page * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return ASSUMED_MEMORY


def gigabytes(size: int) -> str:
    """`5.2 GB`, `46 MB`, as the library of models counts: in thousands."""
    if size < GB:
        return f"{size / MB:.0f} MB"
    return f"{size / GB:.1f} GB"


def _is_local(entry: Json) -> bool:
    name = _name(entry)
    try:
        refuse_remote_name(name)
        refuse_remote_fields(entry, name)
    except Refused:
        return False
    return bool(name)


def _named_writer(entry: Json, families: Texts) -> bool:
    """Whether a name is one of a model of these families that answers questions."""
    short = _name(entry).rpartition("/")[2].lower()
    unfit = any(NOT_WRITERS.search(part) for part in short.split(":"))
    return short.startswith(families) and not unfit


def _by_size(entry: Json) -> tuple[int, str]:
    return _size(entry), _name(entry)


def _name(entry: Json) -> str:
    return str(entry.get("name") or entry.get("model") or "")


def _size(entry: Json) -> int:
    return whole(entry.get("size"))


def _base(model: str) -> str:
    return model.lower().rpartition("/")[2].partition(":")[0]
