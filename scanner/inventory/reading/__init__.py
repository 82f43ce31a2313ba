"""How an inventory's files or answers get here within bounds, parsed where they can be stopped."""
