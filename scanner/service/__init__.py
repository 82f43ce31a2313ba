"""Use cases, one a file or folder, over the rooms below."""
