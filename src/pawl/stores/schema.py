"""The tables of a ledger in PostgreSQL: one schema a ledger, append-only by triggers."""

from __future__ import annotations

import re

import sqlalchemy as sa

from pawl.errors import ConfigError

NAME = re.compile(r"(?!pg_)[a-z_][a-z0-9_]{0,62}")
REFUSED = "PAWL1"
"""The SQLSTATE of our triggers."""
TABLES = """
CREATE SCHEMA IF NOT EXISTS {schema};
CREATE TABLE {schema}.entries (id bigint PRIMARY KEY, body bytea NOT NULL, digest varchar(64) NOT NULL);
CREATE TABLE {schema}.leases (name text PRIMARY KEY, generation bigint NOT NULL, holder text NOT NULL);
CREATE TABLE {schema}.about (study text NOT NULL);
CREATE FUNCTION {schema}.refuse() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION USING ERRCODE = '{refused}', MESSAGE = TG_ARGV[0]; END $$;
CREATE TRIGGER never BEFORE UPDATE OR DELETE OR TRUNCATE ON {schema}.entries
    FOR EACH STATEMENT EXECUTE FUNCTION {schema}.refuse('the ledger is append-only');
ALTER TABLE {schema}.entries ENABLE ALWAYS TRIGGER never;
"""


def checked(schema: str) -> str:
    """The name of a schema that needs no quoting. Raises ConfigError."""
    if not NAME.fullmatch(schema):
        raise ConfigError(
            f"[store] schema = {schema!r} is not a plain name", "small letters, digits and _, at most 63 of them"
        )
    return schema


def entries(schema: str) -> sa.Table:
    """The table of rows, as SQLAlchemy sees it."""
    return sa.Table(
        "entries",
        sa.MetaData(schema=schema),
        sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
    )


def create(connection: sa.Connection, schema: str, study: str) -> None:
    """Make the tables, inside the caller's transaction."""
    for statement in TABLES.format(schema=schema, refused=REFUSED).split(";\n"):
        if statement.strip():
            connection.exec_driver_sql(statement.replace("%", "%%"))
    connection.execute(sa.text(f"INSERT INTO {schema}.about VALUES (:study)"), {"study": study})


def seal(connection: sa.Connection, schema: str, words: str) -> None:
    """Refuse every insert with these words; without words, no longer."""
    connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS sealed ON {schema}.entries")
    if words:
        message = words.replace("'", "''").replace("%", "%%")
        connection.exec_driver_sql(
            f"CREATE TRIGGER sealed BEFORE INSERT ON {schema}.entries "
            f"FOR EACH STATEMENT EXECUTE FUNCTION {schema}.refuse('{message}')"
        )
        connection.exec_driver_sql(f"ALTER TABLE {schema}.entries ENABLE ALWAYS TRIGGER sealed")
