"""What a dynamic loader brings in for a program."""
