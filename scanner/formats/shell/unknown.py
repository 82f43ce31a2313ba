"""What stands in a shell's words for text that is known only when it runs."""

UNKNOWN = "\0"
"""Any text: no argument, path or variable of a process can hold it."""
