"""Schema 1: documents and their chunks, episodes, skills, vectors, and the outbox that keeps the index in step.

`knowledge`, `episodes` and `skills` share three plain columns for their FTS5 tables (`topic`, `terms`, `around`),
written by the store, and `text_sha`, the key of their vectors. What a person forgets moves whole into `forgotten`.
`judgments` is what a person said of answers, `eval_runs` what `brain eval run` measured. Leaves out every query.
Serves `migrations`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlite_utils import Database

# Marks are part of a word (Hindi vowels); C++ and C# stay words; naïve = naive; running = run (`ingest.terms` agrees).
TOKENIZER = (
    "porter unicode61 remove_diacritics 2 categories 'L* N* Co Mn Mc' tokenchars '+#'"
)

TABLES = """
CREATE TABLE documents (
    id TEXT PRIMARY KEY, uri TEXT NOT NULL UNIQUE, source TEXT NOT NULL, title TEXT NOT NULL, text TEXT NOT NULL,
    media_type TEXT NOT NULL, content_hash TEXT NOT NULL, text_sha TEXT NOT NULL, entry TEXT NOT NULL DEFAULT 'full',
    label TEXT NOT NULL DEFAULT 'internal', compartment TEXT, trust TEXT NOT NULL DEFAULT 'own',
    dated_at TEXT NOT NULL, dated_by TEXT NOT NULL, added_at TEXT NOT NULL, updated_at TEXT NOT NULL,
    size INTEGER, mtime_ns INTEGER, ctime_ns INTEGER, inode INTEGER, looked_ns INTEGER,
    aliases TEXT NOT NULL DEFAULT '[]', metadata TEXT NOT NULL DEFAULT '{}', notices TEXT NOT NULL DEFAULT '[]'
);
CREATE INDEX documents_content_hash ON documents(content_hash);
CREATE INDEX documents_source ON documents(source);
CREATE TABLE knowledge (
    pk INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,
    document_id TEXT NOT NULL REFERENCES documents(id) ON DELETE CASCADE, ordinal INTEGER NOT NULL,
    heading TEXT NOT NULL DEFAULT '[]', topic TEXT NOT NULL, content TEXT NOT NULL, source TEXT NOT NULL,
    locator TEXT NOT NULL, start INTEGER NOT NULL, "end" INTEGER NOT NULL, tokens INTEGER NOT NULL,
    terms TEXT NOT NULL, around TEXT NOT NULL DEFAULT '', text_sha TEXT NOT NULL, created_at TEXT NOT NULL
);
CREATE INDEX knowledge_document ON knowledge(document_id, ordinal);
CREATE INDEX knowledge_text ON knowledge(text_sha);
CREATE TABLE tags (
    document_id TEXT NOT NULL REFERENCES documents(id) ON DELETE CASCADE, tag TEXT NOT NULL, by TEXT NOT NULL,
    PRIMARY KEY (document_id, tag)
) WITHOUT ROWID;
CREATE INDEX tags_tag ON tags(tag);
CREATE TABLE links (
    document_id TEXT NOT NULL REFERENCES documents(id) ON DELETE CASCADE, target TEXT NOT NULL,
    PRIMARY KEY (document_id, target)
) WITHOUT ROWID;
CREATE TABLE roots (uri TEXT PRIMARY KEY, path TEXT NOT NULL, added_at TEXT NOT NULL, looked_at TEXT, options TEXT);
CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE contexts (source TEXT PRIMARY KEY, description TEXT NOT NULL);
CREATE TABLE skipped (
    uri TEXT PRIMARY KEY, source TEXT NOT NULL, kind TEXT NOT NULL, reason TEXT NOT NULL, hint TEXT NOT NULL,
    size INTEGER, mtime_ns INTEGER, seen_at TEXT NOT NULL
);
CREATE TABLE embeddings (
    text_sha TEXT NOT NULL, fingerprint TEXT NOT NULL, vector BLOB NOT NULL, sentences BLOB, crc INTEGER NOT NULL,
    PRIMARY KEY (text_sha, fingerprint)
);
CREATE TABLE outbox (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, op TEXT NOT NULL CHECK (op IN ('up', 'del')), kind TEXT NOT NULL,
    chunk_id TEXT NOT NULL, fingerprint TEXT
);
CREATE TABLE index_generations (
    n INTEGER PRIMARY KEY, fingerprint TEXT NOT NULL, dimensions INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('building', 'live', 'spare', 'dirty', 'dead')),
    applied_seq INTEGER NOT NULL DEFAULT 0, count INTEGER NOT NULL DEFAULT 0, chroma_version TEXT,
    owner_pid INTEGER, owner_start TEXT, created_at TEXT NOT NULL
);
CREATE TABLE episodes (
    pk INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, at TEXT NOT NULL, kind TEXT NOT NULL,
    session TEXT NOT NULL DEFAULT '', question TEXT NOT NULL, answer TEXT NOT NULL,
    citations TEXT NOT NULL DEFAULT '[]', state TEXT NOT NULL DEFAULT '', confidence TEXT NOT NULL DEFAULT '{}',
    route TEXT, model TEXT, label TEXT NOT NULL DEFAULT 'internal', compartment TEXT, source TEXT NOT NULL DEFAULT '',
    people TEXT NOT NULL DEFAULT '[]', tags TEXT NOT NULL DEFAULT '[]', outcome TEXT,
    supersedes TEXT, document_id TEXT, topic TEXT NOT NULL, terms TEXT NOT NULL, around TEXT NOT NULL DEFAULT '',
    text_sha TEXT NOT NULL
);
CREATE INDEX episodes_at ON episodes(at);
CREATE INDEX episodes_session ON episodes(session, at, pk);
CREATE INDEX episodes_text ON episodes(text_sha);
CREATE INDEX episodes_supersedes ON episodes(supersedes) WHERE supersedes IS NOT NULL;
CREATE TABLE skills (
    pk INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL UNIQUE, description TEXT NOT NULL,
    body TEXT NOT NULL, files TEXT NOT NULL DEFAULT '{}', path TEXT NOT NULL DEFAULT '', status TEXT NOT NULL,
    label TEXT NOT NULL DEFAULT 'internal', version TEXT NOT NULL, added_at TEXT NOT NULL, updated_at TEXT NOT NULL,
    topic TEXT NOT NULL, terms TEXT NOT NULL, around TEXT NOT NULL DEFAULT '', text_sha TEXT NOT NULL
);
CREATE TABLE forgotten (
    id TEXT PRIMARY KEY, kind TEXT NOT NULL, source TEXT NOT NULL, title TEXT NOT NULL, at TEXT NOT NULL,
    payload TEXT NOT NULL
);
CREATE TABLE judgments (
    pk INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, at TEXT NOT NULL, question TEXT NOT NULL,
    verdict TEXT NOT NULL CHECK (verdict IN ('good', 'wrong', 'missing')),
    answerable INTEGER CHECK (answerable IN (0, 1)), documents TEXT NOT NULL DEFAULT '[]',
    document_id TEXT NOT NULL DEFAULT '', source TEXT NOT NULL DEFAULT '', locator TEXT NOT NULL DEFAULT '',
    quote TEXT NOT NULL DEFAULT '', why TEXT NOT NULL DEFAULT '', episode TEXT NOT NULL UNIQUE,
    signals TEXT NOT NULL DEFAULT '{}'
);
CREATE INDEX judgments_document ON judgments(document_id);
CREATE TABLE eval_runs (pk INTEGER PRIMARY KEY, at TEXT NOT NULL, name TEXT NOT NULL, report TEXT NOT NULL);
CREATE INDEX eval_runs_name ON eval_runs(name, pk);
"""

# A judgment repeats words of what it judges: when that is destroyed (not brought back), the judgment goes with it.
DESTROYED = """
CREATE TRIGGER forgotten_gone AFTER DELETE ON forgotten BEGIN
    DELETE FROM judgments WHERE (episode = old.id OR document_id = old.id)
        AND NOT EXISTS (SELECT 1 FROM documents WHERE id = old.id)
        AND NOT EXISTS (SELECT 1 FROM episodes WHERE id = old.id);
END;
"""

FTS = """
CREATE VIRTUAL TABLE {name}_fts USING fts5(
    topic, terms, around, content='{name}', content_rowid='pk', tokenize="{tokenizer}"
);
CREATE VIRTUAL TABLE {name}_vocab USING fts5vocab('{name}_fts', 'row');
CREATE TRIGGER {name}_fts_insert AFTER INSERT ON {name} BEGIN
    INSERT INTO {name}_fts(rowid, topic, terms, around) VALUES (new.pk, new.topic, new.terms, new.around);
END;
CREATE TRIGGER {name}_fts_delete AFTER DELETE ON {name} BEGIN
    INSERT INTO {name}_fts({name}_fts, rowid, topic, terms, around)
    VALUES ('delete', old.pk, old.topic, old.terms, old.around);
END;
CREATE TRIGGER {name}_fts_update AFTER UPDATE OF topic, terms, around ON {name} BEGIN
    INSERT INTO {name}_fts({name}_fts, rowid, topic, terms, around)
    VALUES ('delete', old.pk, old.topic, old.terms, old.around);
    INSERT INTO {name}_fts(rowid, topic, terms, around) VALUES (new.pk, new.topic, new.terms, new.around);
END;
"""

# A chunk that goes takes its vector with it unless the same text stands elsewhere, and tells the index; a chunk that
# comes and whose text has a vector already tells the index too.
GONE = """
CREATE TRIGGER {name}_known AFTER INSERT ON {name}
WHEN EXISTS (SELECT 1 FROM embeddings WHERE text_sha = new.text_sha) BEGIN
    INSERT INTO outbox(op, kind, chunk_id) VALUES ('up', '{name}', new.id);
END;
CREATE TRIGGER {name}_gone AFTER DELETE ON {name} BEGIN
    INSERT INTO outbox(op, kind, chunk_id) VALUES ('del', '{name}', old.id);
    DELETE FROM embeddings WHERE text_sha = old.text_sha
        AND NOT EXISTS (SELECT 1 FROM knowledge WHERE text_sha = old.text_sha)
        AND NOT EXISTS (SELECT 1 FROM episodes WHERE text_sha = old.text_sha);
END;
"""


def apply(db: Database) -> None:
    """Create everything, statement by statement: `executescript` would commit the transaction around it."""
    script = TABLES
    for name in ("knowledge", "episodes", "skills"):
        script += FTS.format(name=name, tokenizer=TOKENIZER)
        if name != "skills":  # skills have no vectors
            script += GONE.format(name=name)
    for statement in statements(script + DESTROYED):
        db.execute(statement)


def statements(script: str) -> list[str]:
    """The statements of a script, triggers whole: a statement ends at the line that SQLite itself calls complete."""
    import sqlite3

    done: list[str] = []
    statement = ""
    for line in script.splitlines():
        statement += line + "\n"
        if statement.strip() and sqlite3.complete_statement(statement):
            done.append(statement.strip())
            statement = ""
    return done
