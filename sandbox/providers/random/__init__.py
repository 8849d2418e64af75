"""Stand-in for the `random` provider: passwords and strings, with real randomness from the operating system."""
