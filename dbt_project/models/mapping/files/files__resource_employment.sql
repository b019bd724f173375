{{ files_rows('resource_employment') }}
