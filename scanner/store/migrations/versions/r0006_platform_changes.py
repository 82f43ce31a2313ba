"""Keep every change of a host's platform, not only the last; that one is what is known of before."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table, with the last change of each host."""
    op.create_table(
        "platform_changes",
        sa.Column("host", sa.Text, primary_key=True),
        sa.Column("changed_at", sa.Float, primary_key=True),
        sa.Column("platform", sa.Text, nullable=False),
        sa.Column("before", sa.Text, nullable=False),
    )
    op.execute(
        "INSERT INTO platform_changes (host, changed_at, platform, before) "
        "SELECT host, changed_at, platform, before FROM architectures WHERE changed_at IS NOT NULL AND before IS NOT NULL"
    )
