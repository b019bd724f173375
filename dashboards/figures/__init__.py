"""Figure builders: data in, Plotly figure out; colours only from the tokens."""
