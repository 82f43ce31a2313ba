"""Commands that show what a scan, an image or an error comes to."""
