"""How components are composed: settings, geography, topology, region and platform."""
