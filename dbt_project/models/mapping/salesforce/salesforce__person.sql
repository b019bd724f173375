{{ personal_fields('salesforce', 'user', ref('stg_salesforce__user'), ['name', 'email']) }}
