"""``python -m scanner``."""

from scanner.app.commands import main

main()
