{{ files_rows('vendor_bill') }}
