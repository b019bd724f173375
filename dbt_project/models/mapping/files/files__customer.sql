{{ files_rows('customer') }}
