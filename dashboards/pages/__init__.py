"""The pages; each draws itself from the filters and the published marts."""
