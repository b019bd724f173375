{{ files_rows('billing_item') }}
