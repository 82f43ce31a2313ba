"""Commands that prepare a fleet, from the first configuration to what a host still lacks."""
