{{ files_rows('contract_line') }}
