"""The truth of the sandbox firm, computed in Python from its process state, never by the warehouse's SQL."""
