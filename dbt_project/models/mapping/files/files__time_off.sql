{{ files_rows('time_off') }}
