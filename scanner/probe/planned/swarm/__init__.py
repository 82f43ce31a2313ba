"""Stack files of Docker Swarm, as ``docker stack`` reads them."""
