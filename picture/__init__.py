"""Pictures of a stack, from what the engine plans: regions on a map of the world, resources by component."""
