-- index comparisons_by_day
CREATE INDEX comparisons_by_day ON comparisons(day);

-- index documents_content_hash
CREATE INDEX documents_content_hash ON documents(content_hash);

-- index documents_looked
CREATE INDEX documents_looked ON documents(uri, size, mtime_ns, ctime_ns, inode, looked_ns) WHERE size IS NOT NULL;

-- index documents_source
CREATE INDEX documents_source ON documents(source);

-- index documents_text_sha
CREATE INDEX documents_text_sha ON documents(text_sha);

-- index embeddings_without_sentences
CREATE INDEX embeddings_without_sentences ON embeddings(fingerprint) WHERE sentences IS NULL;

-- index episodes_at
CREATE INDEX episodes_at ON episodes(at);

-- index episodes_session
CREATE INDEX episodes_session ON episodes(session, at, pk);

-- index episodes_supersedes
CREATE INDEX episodes_supersedes ON episodes(supersedes) WHERE supersedes IS NOT NULL;

-- index episodes_text
CREATE INDEX episodes_text ON episodes(text_sha);

-- index eval_runs_name
CREATE INDEX eval_runs_name ON eval_runs(name, pk);

-- index forgotten_source
CREATE INDEX forgotten_source ON forgotten(source);

-- index idx__sqlite_migrations_migration_set_name
CREATE UNIQUE INDEX "idx__sqlite_migrations_migration_set_name"
    ON "_sqlite_migrations" ("migration_set", "name");

-- index judgments_document
CREATE INDEX judgments_document ON judgments(document_id);

-- index knowledge_document
CREATE INDEX knowledge_document ON knowledge(document_id, ordinal);

-- index knowledge_text
CREATE INDEX knowledge_text ON knowledge(text_sha);

-- index outcomes_by_day
CREATE INDEX outcomes_by_day ON outcomes(day);

-- index outcomes_by_episode
CREATE INDEX outcomes_by_episode ON outcomes(episode);

-- index properties_name
CREATE INDEX properties_name ON properties(name, folded);

-- index reservations_by_day
CREATE INDEX reservations_by_day ON reservations(day);

-- index reservations_by_time
CREATE INDEX reservations_by_time ON reservations(at);

-- index tags_tag
CREATE INDEX tags_tag ON tags(tag);

-- table approvals
CREATE TABLE approvals (
        id TEXT PRIMARY KEY,
        digest TEXT NOT NULL,
        what TEXT NOT NULL,
        asked_at INTEGER NOT NULL,
        approved_at INTEGER,
        taken_at INTEGER
    ) WITHOUT ROWID;

-- table comparisons
CREATE TABLE comparisons (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    day TEXT NOT NULL,
    episode TEXT NOT NULL,
    task TEXT NOT NULL,
    label TEXT NOT NULL,
    grade TEXT NOT NULL,
    provider TEXT NOT NULL,
    model TEXT NOT NULL,
    shadow INTEGER NOT NULL,
    verdict TEXT NOT NULL,
    usd_micro INTEGER NOT NULL
);

-- table contexts
CREATE TABLE contexts (source TEXT PRIMARY KEY, description TEXT NOT NULL, row_hash INTEGER);

-- table documents
CREATE TABLE documents (
    id TEXT PRIMARY KEY, uri TEXT NOT NULL UNIQUE, source TEXT NOT NULL, title TEXT NOT NULL, text TEXT NOT NULL,
    media_type TEXT NOT NULL, content_hash TEXT NOT NULL, text_sha TEXT NOT NULL, entry TEXT NOT NULL DEFAULT 'full',
    label TEXT NOT NULL DEFAULT 'internal', compartment TEXT, trust TEXT NOT NULL DEFAULT 'own',
    dated_at TEXT NOT NULL, dated_by TEXT NOT NULL, added_at TEXT NOT NULL, updated_at TEXT NOT NULL,
    size INTEGER, mtime_ns INTEGER, ctime_ns INTEGER, inode INTEGER, looked_ns INTEGER,
    aliases TEXT NOT NULL DEFAULT '[]', metadata TEXT NOT NULL DEFAULT '{}', notices TEXT NOT NULL DEFAULT '[]'
, row_hash INTEGER, reader TEXT NOT NULL DEFAULT '');

-- table embeddings
CREATE TABLE embeddings (
    text_sha TEXT NOT NULL, fingerprint TEXT NOT NULL, vector BLOB NOT NULL, sentences BLOB, crc INTEGER NOT NULL,
    PRIMARY KEY (text_sha, fingerprint)
);

-- table episodes
CREATE TABLE episodes (
    pk INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, at TEXT NOT NULL, kind TEXT NOT NULL,
    session TEXT NOT NULL DEFAULT '', question TEXT NOT NULL, answer TEXT NOT NULL,
    citations TEXT NOT NULL DEFAULT '[]', state TEXT NOT NULL DEFAULT '', confidence TEXT NOT NULL DEFAULT '{}',
    route TEXT, model TEXT, label TEXT NOT NULL DEFAULT 'internal', compartment TEXT, source TEXT NOT NULL DEFAULT '',
    people TEXT NOT NULL DEFAULT '[]', tags TEXT NOT NULL DEFAULT '[]', outcome TEXT,
    supersedes TEXT, document_id TEXT, topic TEXT NOT NULL, terms TEXT NOT NULL, around TEXT NOT NULL DEFAULT '',
    text_sha TEXT NOT NULL
, row_hash INTEGER);

-- table episodes_fts
CREATE VIRTUAL TABLE episodes_fts USING fts5(
    topic, terms, around, content='episodes', content_rowid='pk', tokenize="porter unicode61 remove_diacritics 2 categories 'L* N* Co Mn Mc' tokenchars '+#'"
);

-- table episodes_vocab
CREATE VIRTUAL TABLE episodes_vocab USING fts5vocab('episodes_fts', 'row');

-- table eval_runs
CREATE TABLE eval_runs (pk INTEGER PRIMARY KEY, at TEXT NOT NULL, name TEXT NOT NULL, report TEXT NOT NULL, row_hash INTEGER);

-- table folder_labels
CREATE TABLE folder_labels (
    source TEXT PRIMARY KEY, label TEXT NOT NULL, at TEXT NOT NULL, why TEXT NOT NULL, row_hash INTEGER
);

-- table forgotten
CREATE TABLE forgotten (
    id TEXT PRIMARY KEY, kind TEXT NOT NULL, source TEXT NOT NULL, title TEXT NOT NULL, at TEXT NOT NULL,
    payload TEXT NOT NULL
, row_hash INTEGER);

-- table index_generations
CREATE TABLE index_generations (
    n INTEGER PRIMARY KEY, fingerprint TEXT NOT NULL, dimensions INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('building', 'live', 'spare', 'dirty', 'dead')),
    applied_seq INTEGER NOT NULL DEFAULT 0, count INTEGER NOT NULL DEFAULT 0, chroma_version TEXT,
    owner_pid INTEGER, owner_start TEXT, created_at TEXT NOT NULL
);

-- table judgments
CREATE TABLE judgments (
    pk INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, at TEXT NOT NULL, question TEXT NOT NULL,
    verdict TEXT NOT NULL CHECK (verdict IN ('good', 'wrong', 'missing')),
    answerable INTEGER CHECK (answerable IN (0, 1)), documents TEXT NOT NULL DEFAULT '[]',
    document_id TEXT NOT NULL DEFAULT '', source TEXT NOT NULL DEFAULT '', locator TEXT NOT NULL DEFAULT '',
    quote TEXT NOT NULL DEFAULT '', why TEXT NOT NULL DEFAULT '', episode TEXT NOT NULL UNIQUE,
    signals TEXT NOT NULL DEFAULT '{}'
, row_hash INTEGER);

-- table knowledge
CREATE TABLE knowledge (
    pk INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,
    document_id TEXT NOT NULL REFERENCES documents(id) ON DELETE CASCADE, ordinal INTEGER NOT NULL,
    heading TEXT NOT NULL DEFAULT '[]', topic TEXT NOT NULL, content TEXT NOT NULL, source TEXT NOT NULL,
    locator TEXT NOT NULL, start INTEGER NOT NULL, "end" INTEGER NOT NULL, tokens INTEGER NOT NULL,
    terms TEXT NOT NULL, around TEXT NOT NULL DEFAULT '', text_sha TEXT NOT NULL, created_at TEXT NOT NULL
, row_hash INTEGER);

-- table knowledge_fts
CREATE VIRTUAL TABLE knowledge_fts USING fts5(
    topic, terms, around, content='knowledge', content_rowid='pk', tokenize="porter unicode61 remove_diacritics 2 categories 'L* N* Co Mn Mc' tokenchars '+#'"
);

-- table knowledge_vocab
CREATE VIRTUAL TABLE knowledge_vocab USING fts5vocab('knowledge_fts', 'row');

-- table ledger
CREATE TABLE ledger (
        id INTEGER PRIMARY KEY,
        record TEXT NOT NULL,
        hash TEXT NOT NULL
    );

-- table links
CREATE TABLE links (
    document_id TEXT NOT NULL REFERENCES documents(id) ON DELETE CASCADE, target TEXT NOT NULL, row_hash INTEGER,
    PRIMARY KEY (document_id, target)
) WITHOUT ROWID;

-- table model_speeds
CREATE TABLE model_speeds (
   model TEXT PRIMARY KEY,
   digest TEXT NOT NULL,
   prompt REAL,
   answer REAL,
   chunks REAL,
   measured_at TEXT NOT NULL
);

-- table outbox
CREATE TABLE outbox (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, op TEXT NOT NULL CHECK (op IN ('up', 'del')), kind TEXT NOT NULL,
    chunk_id TEXT NOT NULL, fingerprint TEXT
);

-- table outcomes
CREATE TABLE outcomes (
        id INTEGER PRIMARY KEY,
        at INTEGER NOT NULL,
        day TEXT NOT NULL,
        episode TEXT NOT NULL,
        task TEXT NOT NULL,
        complexity TEXT NOT NULL,
        label TEXT NOT NULL,
        provider TEXT NOT NULL,
        model TEXT NOT NULL,
        model_digest TEXT NOT NULL,
        prompt_digest TEXT NOT NULL,
        policy TEXT NOT NULL,
        grade TEXT NOT NULL,
        found INTEGER,
        supported INTEGER,
        verified INTEGER,
        usd_micro INTEGER NOT NULL,
        tokens_in INTEGER NOT NULL,
        tokens_out INTEGER NOT NULL,
        milliseconds INTEGER NOT NULL,
        rating TEXT NOT NULL
    );

-- table policies
CREATE TABLE policies (
        id INTEGER PRIMARY KEY,
        at TEXT NOT NULL,
        how TEXT NOT NULL,
        digest TEXT NOT NULL,
        text TEXT NOT NULL
    );

-- table properties
CREATE TABLE properties (
    document_id TEXT NOT NULL REFERENCES documents(id) ON DELETE CASCADE, name TEXT NOT NULL, value TEXT NOT NULL,
    folded TEXT NOT NULL, number REAL, PRIMARY KEY (document_id, name, value)
) WITHOUT ROWID;

-- table proposals
CREATE TABLE proposals (
    id TEXT PRIMARY KEY, at TEXT NOT NULL, "by" TEXT NOT NULL, text TEXT NOT NULL, about TEXT NOT NULL,
    label TEXT NOT NULL, row_hash INTEGER
);

-- table reservations
CREATE TABLE reservations (
        id INTEGER PRIMARY KEY,
        at INTEGER NOT NULL,
        day TEXT NOT NULL,
        task TEXT NOT NULL,
        provider TEXT NOT NULL,
        model TEXT NOT NULL,
        usd_micro INTEGER NOT NULL,
        tokens INTEGER NOT NULL,
        final_usd_micro INTEGER,
        final_tokens INTEGER
    );

-- table roots
CREATE TABLE roots (uri TEXT PRIMARY KEY, path TEXT NOT NULL, added_at TEXT NOT NULL, looked_at TEXT, options TEXT, row_hash INTEGER);

-- table settings
CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL, row_hash INTEGER);

-- table skills
CREATE TABLE skills (
    pk INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL UNIQUE, description TEXT NOT NULL,
    body TEXT NOT NULL, files TEXT NOT NULL DEFAULT '{}', path TEXT NOT NULL DEFAULT '', status TEXT NOT NULL,
    label TEXT NOT NULL DEFAULT 'internal', version TEXT NOT NULL, added_at TEXT NOT NULL, updated_at TEXT NOT NULL,
    topic TEXT NOT NULL, terms TEXT NOT NULL, around TEXT NOT NULL DEFAULT '', text_sha TEXT NOT NULL
, row_hash INTEGER);

-- table skills_fts
CREATE VIRTUAL TABLE skills_fts USING fts5(
    topic, terms, around, content='skills', content_rowid='pk', tokenize="porter unicode61 remove_diacritics 2 categories 'L* N* Co Mn Mc' tokenchars '+#'"
);

-- table skills_vocab
CREATE VIRTUAL TABLE skills_vocab USING fts5vocab('skills_fts', 'row');

-- table skipped
CREATE TABLE skipped (
    uri TEXT PRIMARY KEY, source TEXT NOT NULL, kind TEXT NOT NULL, reason TEXT NOT NULL, hint TEXT NOT NULL,
    size INTEGER, mtime_ns INTEGER, seen_at TEXT NOT NULL
, row_hash INTEGER, ctime_ns INTEGER, inode INTEGER, passing INTEGER NOT NULL DEFAULT 0, tries INTEGER NOT NULL DEFAULT 0, reader TEXT NOT NULL DEFAULT '');

-- table tags
CREATE TABLE tags (
    document_id TEXT NOT NULL REFERENCES documents(id) ON DELETE CASCADE, tag TEXT NOT NULL, by TEXT NOT NULL, row_hash INTEGER,
    PRIMARY KEY (document_id, tag)
) WITHOUT ROWID;

-- table tombstones
CREATE TABLE tombstones (mark TEXT PRIMARY KEY, day TEXT NOT NULL, row_hash INTEGER) WITHOUT ROWID;

-- trigger episodes_fts_delete
CREATE TRIGGER episodes_fts_delete AFTER DELETE ON episodes BEGIN
    INSERT INTO episodes_fts(episodes_fts, rowid, topic, terms, around)
    VALUES ('delete', old.pk, old.topic, old.terms, old.around);
END;

-- trigger episodes_fts_insert
CREATE TRIGGER episodes_fts_insert AFTER INSERT ON episodes BEGIN
    INSERT INTO episodes_fts(rowid, topic, terms, around) VALUES (new.pk, new.topic, new.terms, new.around);
END;

-- trigger episodes_fts_update
CREATE TRIGGER episodes_fts_update AFTER UPDATE OF topic, terms, around ON episodes BEGIN
    INSERT INTO episodes_fts(episodes_fts, rowid, topic, terms, around)
    VALUES ('delete', old.pk, old.topic, old.terms, old.around);
    INSERT INTO episodes_fts(rowid, topic, terms, around) VALUES (new.pk, new.topic, new.terms, new.around);
END;

-- trigger episodes_gone
CREATE TRIGGER episodes_gone AFTER DELETE ON episodes BEGIN
    INSERT INTO outbox(op, kind, chunk_id) VALUES ('del', 'episodes', old.id);
    DELETE FROM embeddings WHERE text_sha = old.text_sha
        AND NOT EXISTS (SELECT 1 FROM knowledge WHERE text_sha = old.text_sha)
        AND NOT EXISTS (SELECT 1 FROM episodes WHERE text_sha = old.text_sha);
END;

-- trigger episodes_known
CREATE TRIGGER episodes_known AFTER INSERT ON episodes
WHEN EXISTS (SELECT 1 FROM embeddings WHERE text_sha = new.text_sha) BEGIN
    INSERT INTO outbox(op, kind, chunk_id) VALUES ('up', 'episodes', new.id);
END;

-- trigger forgotten_gone
CREATE TRIGGER forgotten_gone AFTER DELETE ON forgotten BEGIN
    DELETE FROM judgments WHERE (episode = old.id OR document_id = old.id)
        AND NOT EXISTS (SELECT 1 FROM documents WHERE id = old.id)
        AND NOT EXISTS (SELECT 1 FROM episodes WHERE id = old.id);
END;

-- trigger knowledge_fts_delete
CREATE TRIGGER knowledge_fts_delete AFTER DELETE ON knowledge BEGIN
    INSERT INTO knowledge_fts(knowledge_fts, rowid, topic, terms, around)
    VALUES ('delete', old.pk, old.topic, old.terms, old.around);
END;

-- trigger knowledge_fts_insert
CREATE TRIGGER knowledge_fts_insert AFTER INSERT ON knowledge BEGIN
    INSERT INTO knowledge_fts(rowid, topic, terms, around) VALUES (new.pk, new.topic, new.terms, new.around);
END;

-- trigger knowledge_fts_update
CREATE TRIGGER knowledge_fts_update AFTER UPDATE OF topic, terms, around ON knowledge BEGIN
    INSERT INTO knowledge_fts(knowledge_fts, rowid, topic, terms, around)
    VALUES ('delete', old.pk, old.topic, old.terms, old.around);
    INSERT INTO knowledge_fts(rowid, topic, terms, around) VALUES (new.pk, new.topic, new.terms, new.around);
END;

-- trigger knowledge_gone
CREATE TRIGGER knowledge_gone AFTER DELETE ON knowledge BEGIN
    INSERT INTO outbox(op, kind, chunk_id) VALUES ('del', 'knowledge', old.id);
    DELETE FROM embeddings WHERE text_sha = old.text_sha
        AND NOT EXISTS (SELECT 1 FROM knowledge WHERE text_sha = old.text_sha)
        AND NOT EXISTS (SELECT 1 FROM episodes WHERE text_sha = old.text_sha);
END;

-- trigger knowledge_known
CREATE TRIGGER knowledge_known AFTER INSERT ON knowledge
WHEN EXISTS (SELECT 1 FROM embeddings WHERE text_sha = new.text_sha) BEGIN
    INSERT INTO outbox(op, kind, chunk_id) VALUES ('up', 'knowledge', new.id);
END;

-- trigger ledger_changes_no_row
CREATE TRIGGER ledger_changes_no_row BEFORE UPDATE ON ledger
        BEGIN SELECT RAISE(ABORT, 'the ledger changes no row'); END;

-- trigger ledger_keeps_rows
CREATE TRIGGER ledger_keeps_rows BEFORE DELETE ON ledger
        BEGIN SELECT RAISE(ABORT, 'the ledger keeps every row'); END;

-- trigger skills_fts_delete
CREATE TRIGGER skills_fts_delete AFTER DELETE ON skills BEGIN
    INSERT INTO skills_fts(skills_fts, rowid, topic, terms, around)
    VALUES ('delete', old.pk, old.topic, old.terms, old.around);
END;

-- trigger skills_fts_insert
CREATE TRIGGER skills_fts_insert AFTER INSERT ON skills BEGIN
    INSERT INTO skills_fts(rowid, topic, terms, around) VALUES (new.pk, new.topic, new.terms, new.around);
END;

-- trigger skills_fts_update
CREATE TRIGGER skills_fts_update AFTER UPDATE OF topic, terms, around ON skills BEGIN
    INSERT INTO skills_fts(skills_fts, rowid, topic, terms, around)
    VALUES ('delete', old.pk, old.topic, old.terms, old.around);
    INSERT INTO skills_fts(rowid, topic, terms, around) VALUES (new.pk, new.topic, new.terms, new.around);
END;
