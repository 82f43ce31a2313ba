"""Images: references, their offers, which of these an engine takes."""
