{{ files_rows('resource') }}
