"""Pictures of a stack from the engine's plan: regions on a map of the world, resources by component."""
