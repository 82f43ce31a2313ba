"""The composition root: settings become adapters, adapters become commands or the running service."""
