{{ files_rows('purchase_order_line') }}
