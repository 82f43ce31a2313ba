"""Where else an image may come from: the mirror files of engines."""
