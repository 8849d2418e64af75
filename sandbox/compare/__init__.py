"""Compares the work tree with a commit on every stack: deploys the commit and previews the work tree over it."""
