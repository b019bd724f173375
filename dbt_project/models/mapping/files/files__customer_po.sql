{{ files_rows('customer_po') }}
