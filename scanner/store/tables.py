"""The tables, as SQLAlchemy sees them; the migrations make them."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Float, Index, Integer, LargeBinary, MetaData, Table, Text

metadata = MetaData()

scans = Table(
    "scans",
    metadata,
    Column("sequence", Integer, primary_key=True, autoincrement=True),
    Column("id", Text, nullable=False),
    Column("started_at", Float, nullable=False),
    Column("finished_at", Float, nullable=False),
    Column("complete", Boolean, nullable=False),
    Column("hosts", Integer, nullable=False),
    Column("counts", Text, nullable=False),
)
"""Every scan in the order it ended; ordered by ``sequence``, because clocks step back."""

hosts = Table(
    "hosts",
    metadata,
    Column("name", Text, primary_key=True),
    Column("status", Text, nullable=False),
    Column("reason", Text),
    Column("platform", Text),
    Column("labels", Text, nullable=False),
    Column("reading", Text, nullable=False),
    Column("taken_at", Float, nullable=False),
    Column("last_success_at", Float),
)
"""The latest reading of each host of the last complete scan."""

architectures = Table(
    "architectures",
    metadata,
    Column("host", Text, primary_key=True),
    Column("platform", Text, nullable=False),
    Column("before", Text),
    Column("changed_at", Float),
)
"""What each host was when it last said so, even after it stopped answering."""

platform_changes = Table(
    "platform_changes",
    metadata,
    Column("host", Text, primary_key=True),
    Column("changed_at", Float, primary_key=True),
    Column("platform", Text, nullable=False),
    Column("before", Text, nullable=False),
)
"""Each time that a host said another platform than before."""

findings = Table(
    "findings",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("host", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("workload", Text, nullable=False),
    Column("stage", Text, nullable=False),
    Column("image", Text, nullable=False),
    Column("ordinal", Integer, nullable=False),
    Column("status", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("present", Boolean, nullable=False),
    Column("first_seen", Float, nullable=False),
    Column("last_seen", Float),
    Column("closed_at", Float),
    Index("findings_by_closing", "closed_at"),
)
"""Each verdict from the scan that first gave it to the one that no longer did.

``ordinal`` tells workloads apart that a host lists twice under one name. ``present`` is false while the host does not
answer. ``last_seen`` is written when a finding is closed; until then it is the end of the last complete scan.
"""

documents = Table(
    "documents",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("media_type", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("used_at", Float, nullable=False),
)
"""Manifests, indexes or configs by the digest of their bytes, which never change."""

programs = Table(
    "programs",
    metadata,
    Column("manifest", Text, primary_key=True),
    Column("argv", Text, primary_key=True),
    Column("tool", Text, primary_key=True),
    Column("body", Text, nullable=False),
    Column("used_at", Float, nullable=False),
)
"""What an argv resolves to in a manifest, as one version of the inspection saw it."""

surveys = Table(
    "surveys",
    metadata,
    Column("layer", Text, primary_key=True),
    Column("tool", Text, primary_key=True),
    Column("body", LargeBinary, nullable=False),
    Column("stored_at", Float, nullable=False),
)
"""What reading a layer has shown to one version of the survey; kept for ever, for no blob is read twice."""

records = Table(
    "records",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("body", Text, nullable=False),
    Column("stored_at", Float, nullable=False),
)
"""Small JSON values that other parts remember, such as waivers."""

releases = Table(
    "releases",
    metadata,
    Column("host", Text, primary_key=True),
    Column("source", Text, primary_key=True),
    Column("workload", Text, primary_key=True),
    Column("digest", Text, primary_key=True),
    Column("image_id", Text, nullable=False),
    Column("image", Text, nullable=False),
    Column("written", Text, nullable=False),
    Column("platform", Text, nullable=False),
    Column("first_seen", Float, nullable=False),
    Column("last_seen", Float, nullable=False),
    Column("started_at", Float),
    Column("current", Boolean, nullable=False),
)
"""Each digest that a workload has had on a host; ``last_seen`` of the current one is when something of it last changed."""

trail_leaves = Table(
    "trail_leaves",
    metadata,
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("body", LargeBinary, nullable=False),
)
"""The trail's entries in their order, each as the bytes that were hashed."""

trail_tiles = Table(
    "trail_tiles",
    metadata,
    Column("level", Integer, primary_key=True, autoincrement=False),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("hashes", LargeBinary, nullable=False),
)
"""The trail's tree in tiles of 256 hashes, so that a proof reads a few rows."""

trail_checkpoints = Table(
    "trail_checkpoints",
    metadata,
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("note", Text, nullable=False),
)
"""Every signed head of the trail with its cosignatures."""

lease = Table(
    "lease",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("epoch", BigInteger, nullable=False),
    Column("holder", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("until", Float, nullable=False),
)
"""One row: who of several instances writes, until when by the database's clock; SQLite is held by a lock instead."""
