"""The CDN of a stack: one module for each cloud, which alone imports the cloud's SDK."""
