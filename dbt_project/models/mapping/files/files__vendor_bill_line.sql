{{ files_rows('vendor_bill_line') }}
