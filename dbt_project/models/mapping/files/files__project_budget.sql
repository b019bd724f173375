{{ files_rows('project_budget') }}
