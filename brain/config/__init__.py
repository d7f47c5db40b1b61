"""The configuration: defaults, then `config.toml` in the home folder, then `BRAIN_*` variables, then flags.

Every setting is listed here once, with its unit and its least value; a name that is not listed is an error, so that a
typing mistake is never silent. Leaves out what the settings do, and how a mistake is said (`mistakes`). Serves the
app, which reads them once.
"""

from __future__ import annotations

import os
import stat
import time
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from brain.config import mistakes
from brain.config.mistakes import KINDS, Origin
from brain.errors import BrainError, UsageError
from brain.plain import read_plain
from brain.types import Texts

FILE = "config.toml"
HOME_MODE = 0o700
# variables that are no settings: where the home is, a secret, a traceback in errors, what tests switch on, whether
# anything may leave
OTHER_VARIABLES = frozenset(
    """BRAIN_HOME BRAIN_BACKUP_PASSPHRASE BRAIN_DEBUG BRAIN_FAILPOINT BRAIN_OLLAMA_LIVE BRAIN_OLLAMA_OPENAPI
    BRAIN_OFFLINE""".split()
)

OFFLINE = "BRAIN_OFFLINE"
YES = ("1", "true", "yes", "on")
NO = ("", "0", "false", "no", "off")

Values = dict[str, Any]
"""Settings by name, or sections of settings."""
Environment = Mapping[str, str]
"""Variables of the environment, by name."""


@dataclass(frozen=True, slots=True)
class Models:
    """Which models serve. `embed`: "auto" (Ollama's where one is there, else built in), "builtin" (word vectors, then
    the sentence embedder that ships), "wordllama" (word vectors alone), or the name of a model of Ollama.

    `ask`: "auto" (the largest installed Qwen or Llama that fits), "builtin" (quotes, no model), or a model's name.
    `reader`: "builtin" (the answer reader that ships) or "off". `threads`: of the models that ship.
    """

    embed: str = "auto"
    ask: str = "auto"
    reader: str = "builtin"
    threads: int = 1


@dataclass(frozen=True, slots=True)
class Ollama:
    """The local model server. Times in seconds, `num_ctx` in tokens.

    `keep_alive`: how long a model stays loaded after a request ("10m", "-1" for ever, "0" not at all); "" leaves it to
    the server, whose own setting any other value would override.
    """

    host: str = "http://127.0.0.1:11434"
    trusted_hosts: Texts = ()
    num_ctx: int = 8192
    keep_alive: str = ""
    connect_seconds: float = 1.5
    idle_seconds: float = 60.0
    total_seconds: float = 600.0


@dataclass(frozen=True, slots=True)
class Ingest:
    """What `add` takes in. Sizes in bytes and characters."""

    chunk_tokens: int = 300
    file_bytes: int = 50 * 2**20
    text_chars: int = 2_000_000
    file_chunks: int = 20_000
    seconds: float = 60.0
    inline_changes: int = 20
    notes_dir: str = ""


@dataclass(frozen=True, slots=True)
class Index:
    """Which vector index answers. `engine`: "exact", "chroma", or "auto": Chroma for a door that lives long and for a
    store over `exact_limit` chunks of 256 dimensions (a third of it with 768), where loading it pays.
    """

    engine: str = "auto"
    exact_limit: int = 400_000


@dataclass(frozen=True, slots=True)
class Retrieval:
    """What a model may do to a search, beside the search. Times in seconds, all in all.

    `reranker`: "reader" (the answer reader that ships) or "ollama" (a model of the server, whose settings follow).
    `read_seconds`: how long the answer reader may read; eight passages take .3 on an idle core.
    `rerank` (judge the best passages and blend), `expand` (look for other words as well): "off", "on", or "auto": only
    while the model is loaded in video memory, since a CPU takes seconds for each passage. `model`: "auto" (the one
    that answers) or a name. `rerank_passages`: how many are judged.
    """

    rerank: str = "off"
    reranker: str = "reader"
    expand: str = "off"
    model: str = "auto"
    read_seconds: float = 3.0
    rerank_passages: int = 12
    rerank_seconds: float = 10.0
    expand_seconds: float = 10.0


@dataclass(frozen=True, slots=True)
class Service:
    """What a server does by itself. `nightly`: the time of its chores ("03:30"; "" for never). `restart_ollama`: the
    service by which Ollama runs ("ollama.service"), which may be started anew when it hangs; "" leaves it alone.
    """

    nightly: str = "03:30"
    restart_ollama: str = ""


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that can be set, and where the data lives. `offline`: nothing leaves and nothing is fetched."""

    home: Path
    models: Models = Models()
    ollama: Ollama = Ollama()
    ingest: Ingest = Ingest()
    index: Index = Index()
    retrieval: Retrieval = Retrieval()
    service: Service = Service()
    offline: bool = False

    @property
    def database(self) -> Path:
        """The one file that holds everything."""
        return self.home / "brain.db"

    @property
    def index_dir(self) -> Path:
        """Derived files; may be deleted at any time."""
        return self.home / "index"


SECTIONS: dict[str, type] = {
    "models": Models,
    "ollama": Ollama,
    "ingest": Ingest,
    "index": Index,
    "retrieval": Retrieval,
    "service": Service,
}
# the least value of a setting that is a number
LEAST: dict[str, float] = {
    "models.threads": 1,
    "ingest.chunk_tokens": 50,
    "ingest.file_bytes": 1,
    "ingest.text_chars": 1,
    "ingest.file_chunks": 1,
    "ingest.seconds": 1,
    "ingest.inline_changes": 0,
    "index.exact_limit": 0,
    "retrieval.rerank_passages": 1,
    "retrieval.read_seconds": 0,
    "retrieval.rerank_seconds": 0,
    "retrieval.expand_seconds": 0,
}
# the largest value of any number: bytes, characters and seconds beyond mean no limit, and overflow where they are used
MOST = 10**12
# the largest value of a setting for which MOST is too much
LARGEST: dict[str, float] = {"models.threads": 64}
# the only values of a setting that is a word
CHOICES: dict[str, Texts] = {
    "models.reader": ("builtin", "off"),
    "index.engine": ("auto", "exact", "chroma"),
    "retrieval.rerank": ("off", "auto", "on"),
    "retrieval.reranker": ("reader", "ollama"),
    "retrieval.expand": ("off", "auto", "on"),
}


def load(home: Path | None = None, environ: Environment | None = None) -> Config:
    """Read the configuration. Raises `UsageError` for a name or a type that does not exist."""
    environ = os.environ if environ is None else environ
    config = Config(home=home or default_home(environ), offline=_offline(environ))
    path = config.home / FILE
    if os.path.lexists(path):
        text, values = _read(path)
        config = _merge(config, values, Origin(str(path), text))
    return _merge(config, _from_environment(environ), Origin())


def _offline(environ: Environment) -> bool:
    """Whether the gate is shut. A word that is neither yes nor no is an error: it must not leave it open."""
    word = environ.get(OFFLINE, "").strip().lower()
    if word in YES or word in NO:
        return word in YES
    raise UsageError(f"{OFFLINE}={word} is neither yes nor no", f"write {OFFLINE}=1")


def default_home(environ: Environment) -> Path:
    """`BRAIN_HOME`, else the user's data folder of this operating system. Raises `BrainError` for a root folder."""
    given = environ.get("BRAIN_HOME")
    if given:
        place = Path(given).expanduser().absolute()
    else:
        import platformdirs

        place = Path(platformdirs.user_data_dir("brain", appauthor=False))
    if place == Path(place.anchor):
        hint = "set BRAIN_HOME to a folder of its own"
        raise BrainError(f"{place} cannot be the home folder", hint)
    return place


def takes_no_writing(home: Path) -> bool:
    """Whether the home lies on a disk that was mounted for reading alone: a backup disk, a snapshot, a medium."""
    try:
        facts = os.statvfs(home) if hasattr(os, "statvfs") else None
    except OSError:
        return False
    return facts is not None and bool(facts.f_flag & os.ST_RDONLY)


def settle_zone() -> str:
    """Take UTC where TZ names a zone whose times cannot be; what a person is told then, "" when all is well."""
    try:
        datetime.now().astimezone()
    except (ValueError, OverflowError):
        said = f"TZ={os.environ.get('TZ', '')!r} is no time zone: times are in UTC"
        os.environ["TZ"] = "UTC"
        if hasattr(time, "tzset"):
            time.tzset()
        return said
    return ""


def make_home(config: Config) -> None:
    """Create the home folder, private to its owner. Raises `BrainError` when it cannot be or belongs to another."""
    home = config.home
    try:
        home.mkdir(
            parents=True,
            exist_ok=True,
            mode=HOME_MODE,
        )
        facts = home.stat()
    except OSError as error:
        what = f"the home folder {home} cannot be used: {error.strerror}"
        raise BrainError(what, "set BRAIN_HOME to another") from None
    if hasattr(os, "getuid") and facts.st_uid != os.getuid():
        hint = "set BRAIN_HOME to a folder of your own"
        raise BrainError(f"{home} belongs to another user", hint)
    if not facts.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        return
    # an empty folder can be made private; in one with files others may already have put something
    written_by_others = facts.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    if written_by_others and any(home.iterdir()):
        raise BrainError(f"{home} can be written by others", f"run: chmod 700 {home}")
    home.chmod(HOME_MODE)


def write_setting(config: Config, section: str, name: str, value: str) -> None:
    """Set one value in `config.toml`, keeping what a person wrote around it."""
    import tomlkit

    path = config.home / FILE
    document = tomlkit.document()
    if os.path.lexists(path):
        document = tomlkit.parse(_text(path))
    document.setdefault(section, tomlkit.table())[name] = value
    temporary = path.with_suffix(".tmp")
    temporary.write_text(tomlkit.dumps(document), "utf-8")
    temporary.chmod(0o600)
    temporary.replace(path)


def _text(path: Path) -> str:
    """The settings file as text. Raises `BrainError` for what is no regular file."""
    try:
        return read_plain(path, follow=True).decode("utf-8")
    except OSError as error:
        raise mistakes.unreadable(str(path), error.strerror or str(error)) from None


def _read(path: Path) -> tuple[str, Values]:
    """(the settings file as it stands, what it says)."""
    try:
        text = _text(path)
        if path.stat().st_mode & stat.S_IWOTH:
            raise mistakes.open_to_all(str(path))
        return text, tomllib.loads(text)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise mistakes.no_toml(str(path), error) from None


def _from_environment(environ: Environment) -> Values:
    """`BRAIN_OLLAMA_HOST=…` is `[ollama] host`; OLLAMA_HOST itself is honoured as Ollama's own tools do."""
    found: Values = {}
    host = environ.get("OLLAMA_HOST")
    if host:
        if "//" not in host:
            host = f"http://{host}"
        found["ollama"] = {"host": host}
    known = set(OTHER_VARIABLES)
    for section, kind in SECTIONS.items():
        for item in fields(kind):
            variable = mistakes.variable(section, item.name)
            known.add(variable)
            if variable in environ:
                found.setdefault(section, {})[item.name] = environ[variable]
    _refuse_unknown(environ, known)
    return found


def _refuse_unknown(environ: Environment, known: Collection[str]) -> None:
    """Raise `UsageError` for a variable that would be taken for a setting and does nothing."""
    for variable in sorted(environ):
        if variable.startswith(mistakes.PREFIX) and variable not in known:
            raise mistakes.unknown_variable(variable, known)


def _merge(config: Config, values: Values, origin: Origin) -> Config:
    for section, given in values.items():
        if section not in SECTIONS:
            raise mistakes.unknown_section(section, origin, SECTIONS)
        examples = _examples(section, origin)
        if not isinstance(given, dict):
            first = next(iter(examples.values()))
            raise mistakes.no_section(section, origin, first)
        current = getattr(config, section)
        changed = {}
        for name, value in given.items():
            if name not in examples:
                raise mistakes.unknown_setting(section, name, origin, examples)
            changed[name] = _fitting(section, name, value, origin)
        config = replace(config, **{section: replace(current, **changed)})
    return config


def _examples(section: str, origin: Origin) -> dict[str, str]:
    """The settings of a section, each as it might be written."""
    done = {}
    for item in fields(SECTIONS[section]):
        done[item.name] = origin.example(section, item.name, item.default)
    return done


def _fitting(section: str, name: str, value: Any, origin: Origin) -> Any:
    """The value turned to the type of the default. Raises `UsageError` for one that does not fit."""
    default = getattr(SECTIONS[section](), name)
    found, must = _converted(f"{section}.{name}", value, default)
    if must:
        raise mistakes.wrong_value(section, name, value, origin, must, default)
    return found


def _converted(setting: str, value: Any, default: Any) -> tuple[Any, str]:
    """(the value as the type of the default, what it must be instead: "" when it fits)."""
    kind = type(default)
    choices = CHOICES.get(setting, ())
    one_of = ""
    if choices:
        one_of = f"one of: {', '.join(choices)}"
    try:
        found = _of_type(kind, value)
    except (TypeError, ValueError):
        return None, one_of or KINDS[kind]
    except OverflowError:  # 1e400 is infinity, which is no whole number
        return None, f"at most {MOST:,}"
    most = LARGEST.get(setting, MOST)
    if isinstance(found, int | float) and not found <= most:
        return None, f"at most {most:,}"
    least = LEAST.get(setting)
    if least is not None and not least <= found:
        return None, f"{least:g} or more"
    if choices and found not in choices:
        return None, one_of
    return found, ""


def _of_type(kind: type, value: Any) -> Any:
    """The value as one of this type, if nothing of it gets lost. Raises `TypeError`, `ValueError`, `OverflowError`."""
    if kind is tuple:
        texts = value
        if isinstance(value, str):
            texts = value.split(",")
        if not isinstance(texts, list) or not all(
            isinstance(one, str) for one in texts
        ):
            raise TypeError(value)
        return tuple(texts)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise TypeError(value)
    found = kind(value)
    if kind is int and isinstance(value, float) and found != value:
        raise ValueError(value)
    return found
