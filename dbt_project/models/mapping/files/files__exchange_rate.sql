{{ files_rows('exchange_rate') }}
