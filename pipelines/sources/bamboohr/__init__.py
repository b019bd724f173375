"""See source.py."""
