{{ files_rows('vendor') }}
