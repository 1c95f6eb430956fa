"""The first steps: accounts, jobs, studies, consultations, knowledge, corrections, headlines."""

import sqlite_utils

from appliance.migrations.steps import migrations, run


@migrations()
def m001_accounts(db: sqlite_utils.Database) -> None:
    run(
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
    run(
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
    run(
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
    run(
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
    run(
        db,
        "ALTER TABLE studies ADD COLUMN careful INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE images ADD COLUMN confidence TEXT",
        "ALTER TABLE images ADD COLUMN confidence_sha256 TEXT",
    )


@migrations()
def m006_spacing(db: sqlite_utils.Database) -> None:
    run(
        db,
        "ALTER TABLE studies ADD COLUMN pixel_mm REAL",
        "ALTER TABLE studies ADD COLUMN slice_mm REAL",
    )


@migrations()
def m007_knowledge(db: sqlite_utils.Database) -> None:
    run(
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
    run(
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
    run(
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
    run(
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
