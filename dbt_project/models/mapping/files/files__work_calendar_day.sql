{{ files_rows('work_calendar_day') }}
