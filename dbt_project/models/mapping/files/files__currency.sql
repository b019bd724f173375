{{ files_rows('currency') }}
