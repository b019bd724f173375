{{ files_rows('resource_request') }}
