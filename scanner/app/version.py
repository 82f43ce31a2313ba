"""Which archscan this is."""

from importlib import metadata

VERSION = metadata.version("archscan")
