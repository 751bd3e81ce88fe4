"""Texts that differ in trailing blanks are different on MariaDB and MySQL too. Reversible; rewrites tables there."""

import sqlalchemy as sa
from alembic import op

revision = "0031_no_padding"
down_revision = "0030_imports"
EXACT = {"mariadb": "utf8mb4_nopad_bin", "mysql": "utf8mb4_0900_bin"}


def upgrade() -> None:
    if op.get_bind().dialect.name in EXACT:
        _collate(EXACT[op.get_bind().dialect.name])


def downgrade() -> None:
    if op.get_bind().dialect.name in EXACT:
        _collate("utf8mb4_bin")


def _collate(wanted: str) -> None:
    """Rewrite the tables that have another one; what refers to a text lets go of it as long as the two differ."""
    query = sa.text(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() "
        "AND table_type = 'BASE TABLE' AND table_collation <> :wanted AND table_name <> 'alembic_version'"
    )
    names = [row[0] for row in op.get_bind().execute(query, {"wanted": wanted})]
    kept = [(name, key) for name in names for key in sa.inspect(op.get_bind()).get_foreign_keys(name)]
    for name, key in kept:
        op.drop_constraint(key["name"] or "", name, type_="foreignkey")
    for name in names:
        op.execute(f"ALTER TABLE `{name}` CONVERT TO CHARACTER SET utf8mb4 COLLATE {wanted}")
    for name, key in kept:
        op.create_foreign_key(
            key["name"], name, key["referred_table"], key["constrained_columns"], key["referred_columns"],
            **key["options"],
        )
