{{ files_rows('legal_entity') }}
