"""A small mixed fleet with its registry, alive on loopback without Docker, root or network."""
