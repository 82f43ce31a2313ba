"""What registries serve: manifests, indexes, configs."""
