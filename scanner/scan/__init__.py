"""One scan from top to bottom."""
