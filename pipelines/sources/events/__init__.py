"""The events inbox as a source."""
