{{ files_people() }}
