"""The composition root: what the settings say is built here, for the commands or the running service."""
