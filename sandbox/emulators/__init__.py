"""Vendor emulators: HTTP servers on the loopback that speak as Salesforce, BambooHR and NetSuite do.

They read the versioned stores of a sandbox directory, know nothing of the connectors, and can be told to
misbehave by a fault profile. `store` holds records through time, `catalogue` says which fields an object
shows, `plumbing` is what the three servers share; one module per vendor holds what is that vendor's own.
"""
