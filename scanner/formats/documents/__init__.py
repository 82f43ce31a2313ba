"""YAML, JSON, TOML, read within bounds."""
