"""Where strangers' documents are parsed: beside the event loop, within a budget, where they can be stopped."""
