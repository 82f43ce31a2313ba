"""Every file of an image that could be executed or loaded, read once."""
