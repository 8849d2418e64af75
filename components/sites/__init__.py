"""Edge sites: small clusters near their users, whose database is that of their home region."""

from components.sites.home_database import HomeDatabase

__all__ = ["HomeDatabase"]
