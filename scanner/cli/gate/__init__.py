"""Commands that ask the deploy gate, with what they take or print."""
