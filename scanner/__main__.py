"""``python -m scanner``."""

from scanner.app import main

main()
