"""Use cases, one a file or folder: scan, publish, ask the gate, waive, reload, roll back."""
