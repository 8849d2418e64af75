"""Composes the components: settings, geography, topology, region and platform."""
