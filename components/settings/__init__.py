"""What settings are made of: the base of all models, and the kinds of value that they can have."""

from components.settings.model import Model

__all__ = ["Model"]
