"""Compose projects, read as Compose itself reads them."""
