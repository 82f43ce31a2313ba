"""May it go: the decision before a deploy."""
