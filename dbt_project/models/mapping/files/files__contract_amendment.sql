{{ files_rows('contract_amendment') }}
