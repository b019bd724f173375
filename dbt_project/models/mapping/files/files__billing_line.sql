{{ files_rows('billing_line') }}
