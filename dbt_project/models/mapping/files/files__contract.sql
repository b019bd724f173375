{{ files_rows('contract') }}
