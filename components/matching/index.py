"""The table of embeddings and its vector index, as SQL for each kind of database. Pure.

Every statement can run any number of times, and changes nothing that is there already.
`docs/matching.md` says how to search.
"""

import hashlib
from dataclasses import dataclass
from typing import Final

from components.matching.settings import MatchingSettings

SCHEMA: Final = "matching"
VECTOR: Final = "vector"
"""Name of pgvector among the extensions of a PostgreSQL."""
USERNAME: Final = "sacred_matching"
"""The user of the database that owns no table, and may read and write this one."""

LINKS: Final = 16
"""Links of an embedding to near ones in pgvector's graph, its usual number."""
BUILD_CANDIDATES: Final = 64
"""Candidates among which these links are chosen, pgvector's usual number."""
SEARCH_CANDIDATES: Final = 100
"""Candidates of the first round of a search. With filters, further rounds follow until there are enough rows."""

_CHECKSUM: Final = 8


@dataclass(frozen=True, kw_only=True)
class VectorIndex:
    """The table of one model's embeddings. Another model has another table, because embeddings of two differ."""

    model: str
    revision: str
    dimension: int

    @classmethod
    def of(cls, settings: MatchingSettings) -> "VectorIndex":
        """Return the index of the settings' model."""
        return cls(model=settings.model, revision=settings.revision, dimension=settings.dimension)

    @property
    def full_name(self) -> str:
        """The model with its revision, as the embedding servers call it in their answers."""
        return f"{self.model}@{self.revision}"

    @property
    def relation(self) -> str:
        """The table's name without its schema."""
        subject = f"{self.full_name} {self.dimension}"
        return f"profiles_{hashlib.sha256(subject.encode()).hexdigest()[:_CHECKSUM]}"

    @property
    def table(self) -> str:
        """The table's name with its schema. It needs no quotes."""
        return f"{SCHEMA}.{self.relation}"

    @property
    def _comment(self) -> str:
        return f"COMMENT ON TABLE {self.table} IS 'Embeddings of {self.full_name}, {self.dimension} numbers each';"

    def _columns(self) -> str:
        return f"""\
  subject uuid PRIMARY KEY,
  embedding vector({self.dimension}) NOT NULL,
  language text NOT NULL,
  time_zone smallint NOT NULL CHECK (time_zone BETWEEN -12 AND 14),
  consent boolean NOT NULL DEFAULT false,
  changed_at timestamptz NOT NULL DEFAULT now()"""

    def _rights(self, user: str) -> str:
        return f"GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE {self.table} TO {user};"

    @property
    def postgresql(self) -> str:
        """Input of psql for PostgreSQL with pgvector, with the variables `database` and `username`.

        The index has rows with consent only, so others slow no search down. Filters are read beside it: pgvector goes
        on with the nearest rows until there are enough that match. A search for which few rows match takes the index
        of the filters and compares them all.
        A role can keep settings of pgvector only once the session has loaded it.
        """
        return f"""\
SET client_min_messages = warning;
CREATE SCHEMA IF NOT EXISTS {SCHEMA};
REVOKE ALL ON SCHEMA {SCHEMA} FROM PUBLIC;

SELECT 'CREATE EXTENSION {VECTOR} SCHEMA {SCHEMA}'
WHERE NOT EXISTS (SELECT FROM pg_extension WHERE extname = '{VECTOR}') \\gexec
-- With the schema that the extension is in, if somebody else made it.
SELECT concat_ws(', ', '{SCHEMA}', nullif(quote_ident(nspname), '{SCHEMA}')) AS path
FROM pg_extension JOIN pg_namespace ON pg_namespace.oid = extnamespace
WHERE extname = '{VECTOR}' \\gset
SET search_path = :path;

CREATE TABLE IF NOT EXISTS {self.table} (
{self._columns()}
);
{self._comment}
CREATE INDEX IF NOT EXISTS {self.relation}_nearest ON {self.table}
USING hnsw (embedding vector_cosine_ops) WITH (m = {LINKS}, ef_construction = {BUILD_CANDIDATES}) WHERE consent;
CREATE INDEX IF NOT EXISTS {self.relation}_filters ON {self.table} (language, time_zone) WHERE consent;

GRANT USAGE ON SCHEMA :path TO :"username";
{self._rights(':"username"')}

SELECT '[0]'::vector \\g /dev/null
ALTER ROLE :"username" IN DATABASE :"database" SET search_path = :path;
ALTER ROLE :"username" IN DATABASE :"database" SET hnsw.iterative_scan = strict_order;
ALTER ROLE :"username" IN DATABASE :"database" SET hnsw.ef_search = {SEARCH_CANDIDATES};
"""  # noqa: S608 - settings are checked, and the rest are constants

    @property
    def cockroachdb(self) -> str:
        """Statements for CockroachDB, in the application's database.

        The index is part of the table's first statement: to add it later would stop all writes meanwhile.
        Filters stand before the embedding in it, because CockroachDB reads no others beside it.
        The table says nothing about regions, so it follows the database: its rows are in the primary region, and
        regions that come or go change nothing here.
        """
        return f"""\
CREATE SCHEMA IF NOT EXISTS {SCHEMA};
CREATE TABLE IF NOT EXISTS {self.table} (
{self._columns()},
  VECTOR INDEX {self.relation}_nearest (consent, language, time_zone, embedding vector_cosine_ops)
);
{self._comment}
GRANT USAGE ON SCHEMA {SCHEMA} TO {USERNAME};
{self._rights(USERNAME)}
"""

    @property
    def cockroachdb_made(self) -> str:
        """A query that CockroachDB answers once the table is there."""
        return f"SELECT subject FROM {self.table} LIMIT 0;\n"  # noqa: S608 - a checksum
