{{ files_rows('invoice_line') }}
