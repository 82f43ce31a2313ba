"""``python -m scanner``."""

from scanner.app.main import main

main()
