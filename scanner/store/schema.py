"""Brings a database to the schema of this version, or says why it cannot."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from scanner.store.error import StoreError

if TYPE_CHECKING:
    from sqlalchemy import Connection

_MIGRATIONS = Path(__file__).parent / "migrations"


def migrate(connection: Connection, where: str) -> None:
    """Run the missing steps in one transaction; a schema from the future is left alone.

    Raises:
        StoreError: a newer archscan has written this database.
    """
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    script = ScriptDirectory.from_config(config)
    known = {step.revision for step in script.walk_revisions()}
    for revision in MigrationContext.configure(connection).get_current_heads():
        if revision not in known:
            raise StoreError(
                f"store {where} has schema {revision}, newer than {script.get_current_head()}, the last this version "
                "knows: upgrade archscan, or point store.url at another database; this one is left as it is"
            )
    command.upgrade(config, "head")
