{{ files_rows('assignment_schedule_day') }}
