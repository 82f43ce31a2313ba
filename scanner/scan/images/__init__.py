"""Images as a scan learns of them: resolved, inspected, surveyed, once however many hosts use them."""
