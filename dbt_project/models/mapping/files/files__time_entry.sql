{{ files_rows('time_entry') }}
