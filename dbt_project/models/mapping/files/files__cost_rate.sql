{{ files_rows('cost_rate') }}
