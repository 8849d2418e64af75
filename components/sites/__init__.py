"""Edge sites: small clusters near their users, whose database is that of their home region."""

from components.sites.home_database import HomeDatabase
from components.sites.site_collector import HomeCollector, SiteCollector

__all__ = ["HomeCollector", "HomeDatabase", "SiteCollector"]
