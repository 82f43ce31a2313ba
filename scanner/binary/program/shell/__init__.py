"""Shell scripts, interpreted as far as they are known."""
