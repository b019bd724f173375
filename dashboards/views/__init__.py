"""The pages; each draws itself from the filters and the published marts.

The folder is not called ``pages``: Streamlit takes one beside the entry script for routes of its own, and
answers the first visitor of every server with "Page not found".
"""
