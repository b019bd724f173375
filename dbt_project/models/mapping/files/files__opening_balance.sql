{{ files_rows('opening_balance') }}
