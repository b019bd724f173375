{{ files_rows('org_unit') }}
