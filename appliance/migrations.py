"""The database's schema, step by step. Append only: a step that has landed is never edited.

Each runs, and is recorded as run, in one transaction (sqlite-utils' Migrations).
"""

import sqlite_utils
from sqlite_utils import Migrations

from appliance.database import Database

migrations = Migrations("xiangyi")


@migrations()
def m001_accounts(db: sqlite_utils.Database) -> None:
    _run(
        db,
        """CREATE TABLE accounts (
            id TEXT PRIMARY KEY,
            username TEXT NOT NULL UNIQUE COLLATE NOCASE,
            role TEXT NOT NULL CHECK (role IN ('user', 'clinician', 'admin')),
            password_hash TEXT NOT NULL,
            password_is_initial INTEGER NOT NULL DEFAULT 0,
            disabled INTEGER NOT NULL DEFAULT 0,
            created_at TEXT NOT NULL
        ) STRICT""",
        """CREATE TABLE sessions (
            token_sha256 TEXT PRIMARY KEY,
            account_id TEXT NOT NULL REFERENCES accounts(id) ON DELETE CASCADE,
            created_at TEXT NOT NULL,
            expires_at TEXT NOT NULL
        ) STRICT""",
        "CREATE INDEX sessions_account ON sessions(account_id)",
        """CREATE TABLE audit_rows (
            id INTEGER PRIMARY KEY,
            at TEXT NOT NULL,
            account_id TEXT,
            action TEXT NOT NULL,
            subject TEXT NOT NULL,
            address TEXT
        ) STRICT""",
        "CREATE INDEX audit_rows_at ON audit_rows(at)",
    )


@migrations()
def m002_jobs(db: sqlite_utils.Database) -> None:
    _run(
        db,
        """CREATE TABLE jobs (
            id TEXT PRIMARY KEY,
            kind TEXT NOT NULL,
            subject_id TEXT NOT NULL,
            state TEXT NOT NULL,
            attempts INTEGER NOT NULL DEFAULT 0,
            lease TEXT,
            lease_boot_id TEXT,
            lease_until_s REAL,
            error_code TEXT,
            error_message TEXT,
            created_at TEXT NOT NULL,
            started_at TEXT,
            finished_at TEXT
        ) STRICT""",
        "CREATE INDEX jobs_waiting ON jobs(created_at) WHERE state IN ('queued', 'running')",
        "CREATE INDEX jobs_subject ON jobs(subject_id)",
        """CREATE TABLE workers (
            id TEXT PRIMARY KEY,
            pid INTEGER NOT NULL,
            computes TEXT NOT NULL,
            problem TEXT,
            boot_id TEXT NOT NULL,
            seen_s REAL NOT NULL
        ) STRICT""",
    )


@migrations()
def m003_studies(db: sqlite_utils.Database) -> None:
    _run(
        db,
        """CREATE TABLE studies (
            id TEXT PRIMARY KEY,
            account_id TEXT NOT NULL REFERENCES accounts(id),
            organ TEXT NOT NULL,
            source TEXT NOT NULL,
            patient_reference TEXT,
            release TEXT,
            compute TEXT,
            timings_ms TEXT,
            created_at TEXT NOT NULL
        ) STRICT""",
        "CREATE INDEX studies_account ON studies(account_id, created_at)",
        """CREATE TABLE images (
            id TEXT PRIMARY KEY,
            study_id TEXT NOT NULL REFERENCES studies(id) ON DELETE CASCADE,
            position INTEGER NOT NULL,
            name TEXT NOT NULL,
            media_type TEXT NOT NULL,
            width_px INTEGER NOT NULL,
            height_px INTEGER NOT NULL,
            source_sha256 TEXT NOT NULL,
            view_sha256 TEXT,
            layer_sha256 TEXT,
            mask_sha256 TEXT,
            overlay_sha256 TEXT,
            findings TEXT NOT NULL DEFAULT '[]',
            quality TEXT,
            UNIQUE (study_id, position)
        ) STRICT""",
    )


@migrations()
def m004_consultations(db: sqlite_utils.Database) -> None:
    _run(
        db,
        # Without an account: asked at the box's own terminal.
        """CREATE TABLE consultations (
            id TEXT PRIMARY KEY,
            account_id TEXT REFERENCES accounts(id),
            created_at TEXT NOT NULL
        ) STRICT""",
        "CREATE INDEX consultations_account ON consultations(account_id, created_at)",
        """CREATE TABLE messages (
            id TEXT PRIMARY KEY,
            consultation_id TEXT NOT NULL REFERENCES consultations(id) ON DELETE CASCADE,
            position INTEGER NOT NULL,
            role TEXT NOT NULL CHECK (role IN ('user', 'assistant')),
            text TEXT NOT NULL,
            triage TEXT,
            sources TEXT,
            source TEXT,
            model TEXT,
            timings_ms TEXT,
            created_at TEXT NOT NULL,
            UNIQUE (consultation_id, position)
        ) STRICT""",
    )


@migrations()
def m005_confidence(db: sqlite_utils.Database) -> None:
    _run(
        db,
        "ALTER TABLE studies ADD COLUMN careful INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE images ADD COLUMN confidence TEXT",
        "ALTER TABLE images ADD COLUMN confidence_sha256 TEXT",
    )


@migrations()
def m006_spacing(db: sqlite_utils.Database) -> None:
    _run(
        db,
        "ALTER TABLE studies ADD COLUMN pixel_mm REAL",
        "ALTER TABLE studies ADD COLUMN slice_mm REAL",
    )


@migrations()
def m007_knowledge(db: sqlite_utils.Database) -> None:
    _run(
        db,
        """CREATE TABLE documents (
            id TEXT PRIMARY KEY,
            title TEXT NOT NULL,
            origin TEXT NOT NULL CHECK (origin IN ('starter', 'hospital')),
            guideline TEXT NOT NULL,
            url TEXT NOT NULL,
            dated_on TEXT NOT NULL,
            sha256 TEXT NOT NULL UNIQUE,
            created_at TEXT NOT NULL,
            created_by TEXT REFERENCES accounts(id),
            reviewed_at TEXT,
            reviewed_by TEXT REFERENCES accounts(id)
        ) STRICT""",
        """CREATE TABLE passages (
            id INTEGER PRIMARY KEY,
            document_id TEXT NOT NULL REFERENCES documents(id) ON DELETE CASCADE,
            position INTEGER NOT NULL,
            title TEXT NOT NULL,
            asked TEXT NOT NULL,
            text TEXT NOT NULL,
            vectors BLOB
        ) STRICT""",
        "CREATE INDEX passages_document ON passages(document_id, position)",
        "CREATE VIRTUAL TABLE passage_index USING fts5(title, asked, text, tokenize='unicode61')",
        """CREATE TRIGGER passages_deleted AFTER DELETE ON passages
            BEGIN DELETE FROM passage_index WHERE rowid = old.id; END""",
        "CREATE TABLE knowledge_versions (sha256 TEXT NOT NULL) STRICT",
    )


@migrations()
def m008_consultation_threads(db: sqlite_utils.Database) -> None:
    _run(
        db,
        "ALTER TABLE consultations ADD COLUMN previous_id TEXT REFERENCES consultations(id) ON DELETE SET NULL",
        "ALTER TABLE consultations ADD COLUMN study_id TEXT REFERENCES studies(id) ON DELETE SET NULL",
        "ALTER TABLE consultations ADD COLUMN rating INTEGER CHECK (rating IN (-1, 1))",
        # What left the box for this answer, word for word.
        "ALTER TABLE messages ADD COLUMN sent TEXT",
        "CREATE INDEX consultations_time ON consultations(created_at)",
        "CREATE INDEX consultations_previous ON consultations(previous_id)",
    )


@migrations()
def m009_corrections(db: sqlite_utils.Database) -> None:
    _run(
        db,
        # A person's version of a mask beside the model's. Append only: one taken back stays, with who and when.
        """CREATE TABLE corrections (
            id TEXT PRIMARY KEY,
            image_id TEXT NOT NULL REFERENCES images(id) ON DELETE CASCADE,
            number INTEGER NOT NULL,
            account_id TEXT NOT NULL REFERENCES accounts(id),
            drawn_sha256 TEXT NOT NULL,
            mask_sha256 TEXT,
            layer_sha256 TEXT,
            overlay_sha256 TEXT,
            findings TEXT NOT NULL DEFAULT '[]',
            created_at TEXT NOT NULL,
            deleted_at TEXT,
            deleted_by TEXT REFERENCES accounts(id),
            UNIQUE (image_id, number)
        ) STRICT""",
        "CREATE INDEX corrections_time ON corrections(created_at)",
    )


@migrations()
def m010_headlines(db: sqlite_utils.Database) -> None:
    _run(
        db,
        """CREATE TABLE headlines (
            id TEXT PRIMARY KEY,
            feed TEXT NOT NULL,
            title TEXT NOT NULL,
            source TEXT NOT NULL,
            picture_url TEXT,
            url TEXT NOT NULL,
            published_at TEXT NOT NULL
        ) STRICT""",
        "CREATE INDEX headlines_time ON headlines(published_at, id)",
        # `problem` is NULL after a fetch that went well; `failures` counts those in a row that did not.
        """CREATE TABLE headline_feeds (
            url TEXT PRIMARY KEY,
            tried_at TEXT NOT NULL,
            fetched_at TEXT,
            failures INTEGER NOT NULL DEFAULT 0,
            problem TEXT
        ) STRICT""",
    )


@migrations()
def m012_sessions_told_apart(db: sqlite_utils.Database) -> None:
    _run(
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
    _run(
        db,
        "ALTER TABLE accounts ADD COLUMN full_name TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE accounts ADD COLUMN department TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE accounts ADD COLUMN seen_at TEXT",
        # The person asked for their data to be deleted; an admin decides what the law makes the hospital keep.
        "ALTER TABLE accounts ADD COLUMN deletion_asked_at TEXT",
    )


@migrations()
def m014_publications(db: sqlite_utils.Database) -> None:
    _run(
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
    _run(
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
    _run(
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
    _run(
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
    _run(
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
    _run(
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


@migrations()
def m021_wechat(db: sqlite_utils.Database) -> None:
    _run(
        db,
        # One WeChat user for an account, one account for a WeChat user. Only a hash of WeChat's name for them is kept.
        """CREATE TABLE wechat_bindings (
            openid_sha256 TEXT PRIMARY KEY,
            account_id TEXT NOT NULL UNIQUE REFERENCES accounts(id) ON DELETE CASCADE,
            bound_at TEXT NOT NULL
        ) STRICT""",
    )


def migrate(database: Database) -> None:
    """Bring the database to today's schema. Two processes may call it at once: one waits for the other."""
    database.write(migrations.apply)


def _run(db: sqlite_utils.Database, *statements: str) -> None:
    for statement in statements:
        db.conn.execute(statement)
