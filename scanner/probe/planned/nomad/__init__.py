"""Nomad's job files."""
