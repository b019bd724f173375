"""The events inbox: what senders push over HTTP, kept in an append-only spool until landing reads it."""
