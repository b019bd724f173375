{{ files_rows('project') }}
