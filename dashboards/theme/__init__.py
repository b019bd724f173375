"""Colours, type and the generated Streamlit theme: the only place with colour values."""
