"""The shared parts of the clouds' stand-ins."""
