{{ files_rows('customer_entity') }}
