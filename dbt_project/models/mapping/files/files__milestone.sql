{{ files_rows('milestone') }}
