{{ files_rows('opportunity_stage_event') }}
