{{ files_rows('opportunity') }}
