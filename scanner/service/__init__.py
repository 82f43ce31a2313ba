"""Use cases, one a file, over the rooms below."""
