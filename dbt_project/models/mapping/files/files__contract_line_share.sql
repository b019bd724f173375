{{ files_rows('contract_line_share') }}
