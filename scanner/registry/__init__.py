"""What an image offers: the registry side."""
