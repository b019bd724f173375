"""The conformance kit: one suite of checks that every source passes before its rows are trusted.

A source is landed into homes of its own, offline, against a stand-in of its vendor (`vendor.Vendor`): one
that plays back the pages recorded in the source's folder (`recorded`), or an emulator over HTTP. The stand-in
edits, deletes, misbehaves and drifts as the checks ask it to.
"""
