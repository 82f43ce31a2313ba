"""Programs that start another program, by their own option grammars."""
