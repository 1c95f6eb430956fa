"""The steps since the admin area: people, publishing, releases, statistics, the system, erasing, WeChat, backups."""

import sqlite_utils

from appliance.migrations.steps import migrations, run


@migrations()
def m012_sessions_told_apart(db: sqlite_utils.Database) -> None:
    run(
        db,
        # A session's id names it to people and to the API; its token's hash is nobody's business.
        "ALTER TABLE sessions ADD COLUMN id TEXT",
        "ALTER TABLE sessions ADD COLUMN user_agent TEXT",
        "ALTER TABLE sessions ADD COLUMN address TEXT",
        "ALTER TABLE sessions ADD COLUMN seen_at TEXT",
        "UPDATE sessions SET id = lower(hex(randomblob(12)))",
        "CREATE UNIQUE INDEX sessions_id ON sessions(id)",
    )


@migrations()
def m013_people(db: sqlite_utils.Database) -> None:
    run(
        db,
        "ALTER TABLE accounts ADD COLUMN full_name TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE accounts ADD COLUMN department TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE accounts ADD COLUMN seen_at TEXT",
        # The person asked for their data to be deleted; an admin decides what the law makes the hospital keep.
        "ALTER TABLE accounts ADD COLUMN deletion_asked_at TEXT",
    )


@migrations()
def m014_publications(db: sqlite_utils.Database) -> None:
    run(
        db,
        # publish_at says all: NULL is a draft, a moment to come is a schedule, a past one is published.
        """CREATE TABLE publications (
            id TEXT PRIMARY KEY,
            kind TEXT NOT NULL CHECK (kind IN ('article', 'announcement')),
            title TEXT NOT NULL,
            body TEXT NOT NULL,
            excerpt TEXT NOT NULL,
            pinned INTEGER NOT NULL DEFAULT 0,
            publish_at TEXT,
            created_at TEXT NOT NULL,
            created_by TEXT REFERENCES accounts(id) ON DELETE SET NULL,
            updated_at TEXT NOT NULL,
            updated_by TEXT REFERENCES accounts(id) ON DELETE SET NULL,
            deleted_at TEXT
        ) STRICT""",
        "CREATE INDEX publications_shown ON publications(kind, pinned, publish_at, id) WHERE deleted_at IS NULL",
        "CREATE INDEX publications_changed ON publications(updated_at)",
        """CREATE TABLE pictures (
            sha256 TEXT PRIMARY KEY,
            width_px INTEGER NOT NULL,
            height_px INTEGER NOT NULL,
            created_at TEXT NOT NULL,
            created_by TEXT REFERENCES accounts(id) ON DELETE SET NULL
        ) STRICT""",
    )


@migrations()
def m015_comments(db: sqlite_utils.Database) -> None:
    run(
        db,
        """CREATE TABLE comments (
            id TEXT PRIMARY KEY,
            publication_id TEXT NOT NULL REFERENCES publications(id) ON DELETE CASCADE,
            account_id TEXT NOT NULL REFERENCES accounts(id) ON DELETE CASCADE,
            text TEXT NOT NULL,
            state TEXT NOT NULL CHECK (state IN ('pending', 'approved', 'rejected')),
            created_at TEXT NOT NULL,
            decided_at TEXT,
            decided_by TEXT REFERENCES accounts(id) ON DELETE SET NULL
        ) STRICT""",
        "CREATE INDEX comments_publication ON comments(publication_id, created_at)",
        "CREATE INDEX comments_state ON comments(state, created_at)",
        "CREATE INDEX comments_account ON comments(account_id, created_at)",
    )


@migrations()
def m016_releases(db: sqlite_utils.Database) -> None:
    run(
        db,
        # An archive that came in; organ and version are known once it was unpacked. Built-in releases have no row.
        """CREATE TABLE releases (
            id TEXT PRIMARY KEY,
            file_name TEXT NOT NULL,
            archive_sha256 TEXT NOT NULL,
            state TEXT NOT NULL CHECK (state IN ('checking', 'ready', 'refused')),
            reason TEXT,
            organ TEXT,
            version TEXT,
            created_at TEXT NOT NULL,
            created_by TEXT REFERENCES accounts(id),
            UNIQUE (organ, version)
        ) STRICT""",
        # The last row of an organ without a failure says what is served; none at all: the newest built-in release.
        """CREATE TABLE activations (
            id INTEGER PRIMARY KEY,
            organ TEXT NOT NULL,
            version TEXT NOT NULL,
            at TEXT NOT NULL,
            account_id TEXT REFERENCES accounts(id),
            failure TEXT
        ) STRICT""",
        "CREATE INDEX activations_organ ON activations(organ, id)",
        """CREATE TABLE comparisons (
            id TEXT PRIMARY KEY,
            organ TEXT NOT NULL,
            version TEXT NOT NULL,
            against TEXT NOT NULL,
            study_ids TEXT NOT NULL,
            created_at TEXT NOT NULL,
            created_by TEXT REFERENCES accounts(id)
        ) STRICT""",
        """CREATE TABLE compared_images (
            comparison_id TEXT NOT NULL REFERENCES comparisons(id) ON DELETE CASCADE,
            position INTEGER NOT NULL,
            image_id TEXT NOT NULL REFERENCES images(id) ON DELETE CASCADE,
            name TEXT NOT NULL,
            dice TEXT NOT NULL,
            problem TEXT,
            candidate_sha256 TEXT,
            active_sha256 TEXT,
            PRIMARY KEY (comparison_id, position)
        ) STRICT""",
        "CREATE INDEX compared_images_image ON compared_images(image_id)",
    )


# An exam of which no image was fit is refused, though its job has succeeded.
_STATUS_OF_JOB = """status = CASE WHEN new.state = 'succeeded' AND NOT EXISTS (
        SELECT 1 FROM images WHERE study_id = new.subject_id AND coalesce(quality ->> 'status', '') != 'refused'
    ) THEN 'refused' ELSE new.state END,
    total_ms = (julianday(new.finished_at) - julianday(new.created_at)) * 86400000"""


@migrations()
def m017_lists_of_everyones(db: sqlite_utils.Database) -> None:
    """What lists and statistics filter by stands in the row itself, kept by triggers: no code can forget it."""
    run(
        db,
        "ALTER TABLE studies ADD COLUMN status TEXT NOT NULL DEFAULT 'queued'",
        "ALTER TABLE studies ADD COLUMN total_ms REAL",
        "ALTER TABLE studies ADD COLUMN deleted_at TEXT",
        "ALTER TABLE studies ADD COLUMN version TEXT GENERATED ALWAYS AS (release ->> 'version') VIRTUAL",
        f"""CREATE TRIGGER studies_status AFTER UPDATE OF state, finished_at ON jobs WHEN new.kind = 'segment'
            BEGIN UPDATE studies SET {_STATUS_OF_JOB} WHERE id = new.subject_id; END""",  # noqa: S608
        # Touches each job once, so that the trigger fills in what was there before.
        "UPDATE jobs SET state = state WHERE kind = 'segment'",
        # Holds all that statistics and counts ask for: they read no row.
        "CREATE INDEX studies_time ON studies(created_at, deleted_at, organ, status, total_ms, account_id, version)",
        # Begun by what every list asks for, so that a count reads the index alone, and a page in its order.
        "CREATE INDEX studies_live ON studies(deleted_at, created_at)",
        "CREATE INDEX studies_organ ON studies(deleted_at, organ, created_at)",
        "CREATE INDEX studies_status ON studies(deleted_at, status, created_at)",
        "CREATE INDEX studies_organ_status ON studies(deleted_at, organ, status, created_at)",
        "CREATE INDEX studies_version ON studies(deleted_at, version, created_at)",
        "CREATE INDEX studies_of ON studies(deleted_at, account_id, created_at)",
        "CREATE INDEX studies_made ON studies(version, organ)",
        "ALTER TABLE consultations ADD COLUMN question TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE consultations ADD COLUMN source TEXT",
        "ALTER TABLE consultations ADD COLUMN level TEXT",
        "ALTER TABLE consultations ADD COLUMN total_ms REAL",
        "ALTER TABLE consultations ADD COLUMN deleted_at TEXT",
        """CREATE TRIGGER consultations_question AFTER INSERT ON messages WHEN new.position = 0
            BEGIN UPDATE consultations SET question = new.text WHERE id = new.consultation_id; END""",
        """CREATE TRIGGER consultations_answer AFTER INSERT ON messages WHEN new.position = 1
            BEGIN UPDATE consultations SET source = new.source, level = new.triage ->> 'level',
                total_ms = new.timings_ms ->> 'total' WHERE id = new.consultation_id; END""",
        """UPDATE consultations SET question = m.text FROM messages m
            WHERE m.consultation_id = consultations.id AND m.position = 0""",
        """UPDATE consultations SET source = m.source, level = m.triage ->> 'level', total_ms = m.timings_ms ->> 'total'
            FROM messages m WHERE m.consultation_id = consultations.id AND m.position = 1""",
        """CREATE INDEX consultations_counted
            ON consultations(created_at, deleted_at, source, level, total_ms, account_id)""",
        "CREATE INDEX consultations_live ON consultations(deleted_at, created_at)",
        "CREATE INDEX consultations_source ON consultations(deleted_at, source, created_at)",
        "CREATE INDEX consultations_level ON consultations(deleted_at, level, created_at)",
        "CREATE INDEX consultations_of ON consultations(deleted_at, account_id, created_at)",
    )


@migrations()
def m018_statistics(db: sqlite_utils.Database) -> None:
    run(
        db,
        # What a day that is over came to: one row for each topic and key, so that a year is some thousand rows.
        """CREATE TABLE statistics_days (
            day TEXT NOT NULL,
            topic TEXT NOT NULL,
            key TEXT NOT NULL,
            amount REAL NOT NULL,
            PRIMARY KEY (day, topic, key)
        ) STRICT, WITHOUT ROWID""",
    )


@migrations()
def m019_system(db: sqlite_utils.Database) -> None:
    run(
        db,
        """CREATE TABLE overrides (
            name TEXT PRIMARY KEY,
            value TEXT NOT NULL,
            changed_at TEXT NOT NULL,
            changed_by TEXT REFERENCES accounts(id)
        ) STRICT""",
        """CREATE TABLE backups (
            id TEXT PRIMARY KEY,
            path TEXT NOT NULL,
            started_at TEXT NOT NULL,
            finished_at TEXT,
            files INTEGER,
            size_bytes INTEGER,
            error TEXT
        ) STRICT""",
        "CREATE INDEX backups_time ON backups(started_at)",
        "CREATE INDEX audit_rows_action ON audit_rows(action)",
        "CREATE INDEX audit_rows_account ON audit_rows(account_id)",
        "CREATE INDEX audit_rows_subject ON audit_rows(subject)",
        "CREATE INDEX jobs_state ON jobs(state, created_at)",
        "CREATE INDEX jobs_time ON jobs(created_at)",
    )


# Two characters and two, for Chinese has no blanks between words: “发热咳嗽” is kept as “发热 热咳 咳嗽 嗽”.
_PAIRS = "(SELECT group_concat(substr({}, n, 2), ' ') FROM counting WHERE n <= length({}))"


@migrations()
def m020_search_and_erasing(db: sqlite_utils.Database) -> None:
    """Questions are found by any of their words; what is taken away takes its index and its files along."""
    new, old = _PAIRS.format("new.question", "new.question"), _PAIRS.format("old.question", "old.question")
    run(
        db,
        "CREATE TABLE counting (n INTEGER PRIMARY KEY) STRICT",
        """WITH RECURSIVE up(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM up WHERE n < 4000)
            INSERT INTO counting SELECT n FROM up""",
        # Not the rowid: that one may change when the database is packed.
        "ALTER TABLE consultations ADD COLUMN number INTEGER",
        "UPDATE consultations SET number = rowid",
        "CREATE UNIQUE INDEX consultations_number ON consultations(number)",
        "CREATE VIRTUAL TABLE question_index USING fts5(question, content='', tokenize='unicode61')",
        f"""INSERT INTO question_index(rowid, question)
            SELECT number, {_PAIRS.format("question", "question")} FROM consultations ORDER BY number""",  # noqa: S608
        f"""CREATE TRIGGER consultations_indexed AFTER UPDATE OF question ON consultations WHEN old.number IS NULL
            BEGIN
                UPDATE consultations SET number = (SELECT coalesce(max(number), 0) + 1 FROM consultations)
                    WHERE id = new.id;
                INSERT INTO question_index(rowid, question)
                    SELECT number, {new} FROM consultations WHERE id = new.id;
            END""",  # noqa: S608
        f"""CREATE TRIGGER consultations_forgotten AFTER DELETE ON consultations WHEN old.number IS NOT NULL
            BEGIN
                INSERT INTO question_index(question_index, rowid, question) VALUES ('delete', old.number, {old});
            END""",  # noqa: S608
        # A study that goes for good takes its name out of consultations: without this each is a walk over all.
        "CREATE INDEX consultations_study ON consultations(study_id)",
        # Stored files that a deleted row named. Not called …sha256: to be listed here must not keep a file.
        "CREATE TABLE leftovers (file TEXT PRIMARY KEY) STRICT, WITHOUT ROWID",
    )


@migrations()
def m021_wechat(db: sqlite_utils.Database) -> None:
    run(
        db,
        # One WeChat user for an account, one account for a WeChat user. Only a hash of WeChat's name for them is kept.
        """CREATE TABLE wechat_bindings (
            openid_sha256 TEXT PRIMARY KEY,
            account_id TEXT NOT NULL UNIQUE REFERENCES accounts(id) ON DELETE CASCADE,
            bound_at TEXT NOT NULL
        ) STRICT""",
    )


@migrations()
def m023_removed_backups(db: sqlite_utils.Database) -> None:
    run(db, "ALTER TABLE backups ADD COLUMN removed_at TEXT")


@migrations()
def m024_own_questions(db: sqlite_utils.Database) -> None:
    """The index knows whose a question is: in a long history of one's own, a word is found as fast as in everyone's."""
    new, old = _PAIRS.format("new.question", "new.question"), _PAIRS.format("old.question", "old.question")
    run(
        db,
        "DROP TRIGGER consultations_indexed",
        "DROP TRIGGER consultations_forgotten",
        "DROP TABLE question_index",
        "CREATE VIRTUAL TABLE question_index USING fts5(question, account, content='', tokenize='unicode61')",
        f"""INSERT INTO question_index(rowid, question, account)
            SELECT number, {_PAIRS.format("question", "question")}, account_id FROM consultations
            WHERE number IS NOT NULL ORDER BY number""",  # noqa: S608
        f"""CREATE TRIGGER consultations_indexed AFTER UPDATE OF question ON consultations WHEN old.number IS NULL
            BEGIN
                UPDATE consultations SET number = (SELECT coalesce(max(number), 0) + 1 FROM consultations)
                    WHERE id = new.id;
                INSERT INTO question_index(rowid, question, account)
                    SELECT number, {new}, account_id FROM consultations WHERE id = new.id;
            END""",  # noqa: S608
        f"""CREATE TRIGGER consultations_forgotten AFTER DELETE ON consultations WHEN old.number IS NOT NULL
            BEGIN
                INSERT INTO question_index(question_index, rowid, question, account)
                    VALUES ('delete', old.number, {old}, old.account_id);
            END""",  # noqa: S608
    )
