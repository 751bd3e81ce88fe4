"""Tables of imports."""

from sqlalchemy import BigInteger, Column, ForeignKeyConstraint, Index, Integer, PrimaryKeyConstraint

from farthing.kernel.columns import Hash, Identifier, Instant, LongText, Name, required, table

imports = table(
    "imports",
    required("id", Identifier),
    required("organization", Identifier),
    required("content", Hash),  # of the file, or of what tells the version of an object
    required("name", LongText),
    Column("url", LongText),
    required("format", Identifier),
    Column("source", Name),
    required("status", Identifier),
    required("position", BigInteger),  # the last line whose outcome is stored: with the events, in one transaction
    required("accepted", BigInteger),
    required("duplicates", BigInteger),
    required("conflicts", BigInteger),
    required("rejected", BigInteger),
    required("skipped", BigInteger),
    required("reported", BigInteger),
    Column("error", LongText),
    required("version", Integer),
    required("created_at", Instant),
    required("updated_at", Instant),
    Column("finished_at", Instant),
    PrimaryKeyConstraint("id", name="imports_pk"),
    Index("imports_content", "organization", "content", unique=True),
    Index("imports_of_organization", "organization", "id"),
    Index("imports_unfinished", "status", "id"),
)

import_errors = table(
    "import_errors",
    required("import_id", Identifier),
    required("line", BigInteger),
    required("organization", Identifier),
    required("message", LongText),
    PrimaryKeyConstraint("import_id", "line", name="import_errors_pk"),
    ForeignKeyConstraint(["import_id"], ["imports.id"], name="import_errors_import_fk"),
)
