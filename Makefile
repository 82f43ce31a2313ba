# Everything a newcomer types; each target sets up what it needs.
