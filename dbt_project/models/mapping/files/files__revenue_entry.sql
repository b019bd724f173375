{{ files_rows('revenue_entry') }}
