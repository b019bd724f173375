{{ files_rows('contract_document') }}
