{{ files_rows('invoice') }}
