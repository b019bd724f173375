{{ personal_fields('certinia', 'contact', ref('stg_certinia__contact'), ['name', 'email']) }}
