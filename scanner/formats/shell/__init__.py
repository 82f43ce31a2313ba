"""Shell scripts as a frozen syntax tree."""
