{{ files_rows('opportunity_line') }}
