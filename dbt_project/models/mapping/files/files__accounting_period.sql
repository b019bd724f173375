{{ files_rows('accounting_period') }}
