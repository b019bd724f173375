{{ files_rows('plan_target') }}
