"""A new source's files: everything that makes it land, map and conform at once, with invented data."""
