"""Reusable ComponentResources: what can be deployed. They know no stack and no other region's code."""
