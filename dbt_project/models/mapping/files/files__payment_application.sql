{{ files_rows('payment_application') }}
