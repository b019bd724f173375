"""The pages; each draws itself from the filters and the published marts.

The folder is not called ``pages``: Streamlit would take one beside the entry script for routes of its own, and
answer the first visitor of every server with "Page not found".
"""
