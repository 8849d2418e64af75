"""Stand-in for the `random` provider: the same resource types, with real randomness from the operating system."""
