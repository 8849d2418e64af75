"""Generates the documentation and the JSON Schema of the configuration from the settings models."""
