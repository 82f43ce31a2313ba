"""Who we are to a registry: challenges, realms, credentials, tokens."""
