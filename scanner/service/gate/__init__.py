"""The deploy gate: what it is asked, by which rules it decides, what it remembers."""
