"""Writes what people and editors read about the configuration, from the models of the settings."""
