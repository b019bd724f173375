{{ files_rows('assignment') }}
