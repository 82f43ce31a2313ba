"""Plans that a scan judges beside what hosts run: folders read, Compose files sent, a repository by host."""
