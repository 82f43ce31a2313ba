"""What an image really contains: the entrypoint opened inside its layers, without pulling the image."""
