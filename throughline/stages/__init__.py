"""The four stages of a run: land, build, check; publishing stands in `throughline.publish`."""
