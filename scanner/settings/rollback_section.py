"""The settings of the way back, for the service that plans it as for the agent that carries it out."""

from __future__ import annotations

from pydantic import Field

from scanner.settings.fields import Duration, FilePath, Section, Text

HOUR = 3600.0


class Rollback(Section):
    """The way back to a release that started."""

    enabled: bool = Field(
        default=False,
        description="Whether confirmed plans are carried out, by archscan rollback-agent; off, plans are for reading.",
    )
    healthy_for: Duration = Field(
        default=60.0, ge=1, le=HOUR, description="How long the older release must be up before the newer one is let go."
    )
    server: Text | None = Field(
        default=None,
        pattern=r"^https?://[^\s?#]+$",
        description="Address of the service, for archscan rollback and its agent; web.listen on this machine where it is null.",
    )
    token_file: FilePath | None = Field(
        default=None, description="File with the token that archscan rollback or its agent shows to the service."
    )
    ca_file: FilePath | None = Field(
        default=None, description="CA certificates in PEM for the service; the system's where it is null."
    )
    path: Text = Field(
        default="/usr/local/libexec/archscan-rollback",
        description="Where hosts have the script of archscan rollback-script.",
    )
