"""The kinds of images on which a verdict still contradicts an engine, each with what is missing."""

PENDING: dict[str, str] = {}
