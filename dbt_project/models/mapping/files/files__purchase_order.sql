{{ files_rows('purchase_order') }}
