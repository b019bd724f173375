{{ files_rows('revenue_element') }}
