{{ files_rows('customer_payment') }}
