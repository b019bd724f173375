{{ files_rows('integration_event') }}
