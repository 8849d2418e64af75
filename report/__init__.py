"""Cost, capacity and carbon of a stack, computed from the engine's plan, with the source of every figure."""
