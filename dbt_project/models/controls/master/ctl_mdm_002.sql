-- One thing held twice. Opportunities: one customer's deal in two CRMs, about the same amount, close date
-- and name, neither lost. Customers and vendors: two records of one system with one tax id, or one name that
-- no tax id tells apart. Projects: two that bill the same contract line. One grain per kind and group, under
-- its smallest member; what stands alone passes. Two systems' records of one customer are no duplicate: the
-- crosswalk ties them.
with

run as {{ control_run_row() }},

parameter as {{ control_parameter('MDM-002') }},

setting as {{ control_settings(['close_days', 'amount_share', 'auto_score', 'review_score'], 'MDM-002') }},

calendar as {{ import_calendar() }},

zones as {{ import_zones() }},

customer_xref as {{ known_xref('customer') }},

opportunities as (
    select known.*
    from {{ as_known(ref('canonical__opportunity')) }} as known
    where not known.is_closed or known.is_won
),

customers as (
    select known.*
    from {{ as_known(ref('canonical__customer')) }} as known
    where known.is_active
),

vendors as (
    select known.*
    from {{ as_known(ref('canonical__vendor')) }} as known
    where known.is_active
),

projects as (
    select known.*
    from {{ as_known(ref('canonical__project')) }} as known
    where not known.is_template and known.status in ('PLANNED', 'OPEN', 'ON_HOLD', 'CLOSED')
),

-- the customer behind an account: the record's, else whoever bears the account's tax id, else itself
find_golden_customers as (
    select
        customers.customer_id,
        customer_xref.right_key as record_customer_id,
        coalesce(customer_xref.right_key, 'tax:' || customers.tax_id, customers.customer_id) as golden_key
    from customers
    left join customer_xref
        on customers.customer_id = customer_xref.left_key
),

name_deals as (
    select
        opportunities.opportunity_id,
        opportunities.source_system || ':' || opportunities.source_instance as held_in,
        coalesce(find_golden_customers.golden_key, opportunities.customer_id) as golden_key,
        find_golden_customers.record_customer_id,
        opportunities.customer_id as account_id,
        opportunities.legal_entity_id,
        opportunities.name,
        upper(trim(opportunities.name)) as compared_name,
        opportunities.amount,
        opportunities.currency_code,
        opportunities.close_date,
        opportunities.created_at
    from opportunities
    left join find_golden_customers
        on opportunities.customer_id = find_golden_customers.customer_id
),

-- yearly deals of one customer lie months apart, lots of one tender stand in one CRM
pair_deals as (
    select
        one.opportunity_id as member_key,
        other.opportunity_id as other_key,
        {{ as_rate(
            '0.5 * ' ~ name_likeness('one.compared_name', 'other.compared_name')
            ~ ' + 0.3 * (1 - ' ~ mul_div(
                'abs(one.amount - other.amount)', '1', 'greatest(abs(one.amount), abs(other.amount))'
            ) ~ ') + 0.2 * (1 - abs(' ~ days_between('one.close_date', 'other.close_date') ~ ') * 0.01)'
        ) }} as score
    from name_deals as one
    cross join setting
    inner join name_deals as other
        on
            one.golden_key = other.golden_key
            and one.held_in <> other.held_in
            and one.currency_code = other.currency_code
    where
        abs({{ days_between('one.close_date', 'other.close_date') }}) <= setting.close_days
        and greatest(abs(one.amount), abs(other.amount)) > 0
        and abs(one.amount - other.amount)
        <= setting.amount_share * greatest(abs(one.amount), abs(other.amount))
),

pair_customers as (
    select
        one.customer_id as member_key,
        other.customer_id as other_key,
        {{ as_rate('1') }} as score
    from customers as one
    inner join customers as other
        on
            one.source_system = other.source_system
            and one.source_instance = other.source_instance
            and one.tax_id = other.tax_id
            and one.customer_id <> other.customer_id
    union all
    -- sister companies bear one name and two tax ids
    select
        one.customer_id as member_key,
        other.customer_id as other_key,
        case
            when one.billing_country_code = other.billing_country_code then {{ as_rate('0.95') }}
            else {{ as_rate('0.85') }}
        end as score
    from customers as one
    inner join customers as other
        on
            one.source_system = other.source_system
            and one.source_instance = other.source_instance
            and one.normalised_name = other.normalised_name
            and one.customer_id <> other.customer_id
    where one.tax_id is null or other.tax_id is null
),

name_vendors as (
    select
        vendors.vendor_id,
        vendors.source_system,
        vendors.source_instance,
        {{ normalised_name('vendors.name') }} as compared_name
    from vendors
),

pair_vendors as (
    select
        one.vendor_id as member_key,
        other.vendor_id as other_key,
        {{ as_rate('0.95') }} as score
    from name_vendors as one
    inner join name_vendors as other
        on
            one.source_system = other.source_system
            and one.source_instance = other.source_instance
            and one.compared_name = other.compared_name
            and one.vendor_id <> other.vendor_id
),

pair_projects as (
    select
        one.project_id as member_key,
        other.project_id as other_key,
        {{ as_rate('1') }} as score
    from projects as one
    inner join projects as other
        on
            one.source_system = other.source_system
            and one.source_instance = other.source_instance
            and one.project_id <> other.project_id
            and one.contract_line_id = other.contract_line_id
),

list_members as (
    select
        'OPPORTUNITY' as kind,
        name_deals.opportunity_id as member_key,
        name_deals.name,
        name_deals.legal_entity_id,
        coalesce(name_deals.record_customer_id, 'UNMAPPED:' || name_deals.account_id) as customer_id,
        {{ null_text() }} as project_id,
        {{ null_text() }} as contract_line_id,
        name_deals.currency_code,
        name_deals.amount,
        name_deals.created_at
    from name_deals
    union all
    select
        'CUSTOMER' as kind,
        customers.customer_id as member_key,
        customers.name,
        {{ null_text() }} as legal_entity_id,
        customers.customer_id,
        {{ null_text() }} as project_id,
        {{ null_text() }} as contract_line_id,
        {{ null_text() }} as currency_code,
        {{ as_money('0') }} as amount,
        coalesce(customers.source_created_at, customers.known_from) as created_at
    from customers
    union all
    select
        'VENDOR' as kind,
        vendors.vendor_id as member_key,
        vendors.name,
        {{ null_text() }} as legal_entity_id,
        {{ null_text() }} as customer_id,
        {{ null_text() }} as project_id,
        {{ null_text() }} as contract_line_id,
        {{ null_text() }} as currency_code,
        {{ as_money('0') }} as amount,
        coalesce(vendors.source_created_at, vendors.known_from) as created_at
    from vendors
    union all
    select
        'PROJECT' as kind,
        projects.project_id as member_key,
        projects.name,
        projects.legal_entity_id,
        {{ null_text() }} as customer_id,
        projects.project_id,
        projects.contract_line_id,
        projects.currency_code,
        projects.budget_revenue as amount,
        projects.created_at
    from projects
),

list_pairs as (
    select
        'OPPORTUNITY' as kind,
        pair_deals.member_key,
        pair_deals.other_key,
        pair_deals.score
    from pair_deals
    union all
    select
        'CUSTOMER' as kind,
        pair_customers.member_key,
        pair_customers.other_key,
        pair_customers.score
    from pair_customers
    union all
    select
        'VENDOR' as kind,
        pair_vendors.member_key,
        pair_vendors.other_key,
        pair_vendors.score
    from pair_vendors
    union all
    select
        'PROJECT' as kind,
        pair_projects.member_key,
        pair_projects.other_key,
        pair_projects.score
    from pair_projects
),

keep_likely as (
    select list_pairs.*
    from list_pairs
    cross join setting
    where list_pairs.score >= setting.review_score
),

-- a group hangs together through its members: the smallest key among one's own pairs, and among theirs
find_nearest as (
    select
        list_members.kind,
        list_members.member_key,
        least(list_members.member_key, coalesce(min(keep_likely.other_key), list_members.member_key))
            as nearest,
        max(keep_likely.score) as score
    from list_members
    left join keep_likely
        on
            list_members.kind = keep_likely.kind
            and list_members.member_key = keep_likely.member_key
    group by list_members.kind, list_members.member_key
),

find_groups as (
    select
        find_nearest.kind,
        find_nearest.member_key,
        find_nearest.score,
        least(find_nearest.nearest, coalesce(min(theirs.nearest), find_nearest.nearest)) as group_key
    from find_nearest
    left join keep_likely
        on
            find_nearest.kind = keep_likely.kind
            and find_nearest.member_key = keep_likely.member_key
    left join find_nearest as theirs
        on
            keep_likely.kind = theirs.kind
            and keep_likely.other_key = theirs.member_key
    group by find_nearest.kind, find_nearest.member_key, find_nearest.nearest, find_nearest.score
),

number_members as (
    select
        list_members.*,
        find_groups.group_key,
        list_members.member_key = find_groups.group_key as is_first,
        find_groups.score,
        {{ entity_date('list_members.created_at') }} as created_on,
        row_number() over (
            partition by find_groups.kind, find_groups.group_key
            order by list_members.created_at, list_members.member_key
        ) as place
    from list_members
    inner join find_groups
        on
            list_members.kind = find_groups.kind
            and list_members.member_key = find_groups.member_key
    left join zones
        on list_members.legal_entity_id = zones.legal_entity_id
),

sum_groups as (
    select
        number_members.kind,
        number_members.group_key,
        count(*) as members,
        min(case when number_members.is_first then number_members.name end) as name,
        min(case when number_members.is_first then number_members.legal_entity_id end) as legal_entity_id,
        min(case when number_members.is_first then number_members.customer_id end) as customer_id,
        min(case when number_members.is_first then number_members.project_id end) as project_id,
        min(case when number_members.is_first then number_members.contract_line_id end) as contract_line_id,
        min(number_members.currency_code) as currency_code,
        count(distinct number_members.currency_code) as currencies,
        -- the largest stays, the others are counted twice
        {{ as_money('sum(coalesce(number_members.amount, 0)) - max(coalesce(number_members.amount, 0))') }}
            as counted_twice,
        {{ as_money('sum(coalesce(number_members.amount, 0))') }} as held,
        min(case when number_members.place = 2 then number_members.created_on end) as doubled_on,
        min(number_members.created_on) as first_on,
        max(number_members.score) as score,
        {{ list_agg_sorted('number_members.member_key') }} as member_keys
    from number_members
    group by number_members.kind, number_members.group_key
),

evaluated as (
    select
        sum_groups.kind || '|' || sum_groups.group_key as grain_key,
        sum_groups.legal_entity_id,
        sum_groups.customer_id,
        {{ null_text() }} as contract_id,
        sum_groups.contract_line_id,
        sum_groups.project_id,
        {{ null_text() }} as period,
        case
            when sum_groups.currencies <= 1 then coalesce(sum_groups.currency_code, run.reporting_currency)
        end as currency_code,
        sum_groups.held - sum_groups.counted_twice as value_a,
        sum_groups.held as value_b,
        sum_groups.members > 1 as is_broken,
        case
            when sum_groups.legal_entity_id is null
                then {{ weekday_after(
                    'coalesce(sum_groups.doubled_on, sum_groups.first_on)', 'parameter.grace + 1'
                ) }}
            else due.calendar_date
        end as becomes_exception_on,
        case when sum_groups.currencies <= 1 then sum_groups.counted_twice end as amount_tc,
        case when sum_groups.currencies <= 1 then sum_groups.held end as population_tc,
        lower(sum_groups.kind) || ':' || sum_groups.group_key as risk_object,
        'DUPLICATE' as break_type,
        {{ evidence([
            ('what', sentence([
                "case sum_groups.kind when 'OPPORTUNITY' then 'Deal' when 'CUSTOMER' then 'Customer'"
                " when 'VENDOR' then 'Supplier' else 'Project' end",
                "' '", 'sum_groups.name', "' is held '", 'sum_groups.members',
                "' times: '", 'sum_groups.member_keys',
            ])),
            ('business_date', 'sum_groups.doubled_on'),
            ('document_no', 'sum_groups.group_key'),
            ('members', 'sum_groups.members'),
            ('cluster_members', 'sum_groups.member_keys'),
            ('score', 'sum_groups.score'),
            ('decision', "case when sum_groups.score >= setting.auto_score then 'merge' else 'review' end"),
        ]) }} as evidence
    from sum_groups
    cross join run
    cross join parameter
    cross join setting
    {{ join_working_day(
        'due', 'sum_groups.legal_entity_id', 'coalesce(sum_groups.doubled_on, sum_groups.first_on)',
        'parameter.grace + 1'
    ) }}
),

{{ control_result('MDM-002') }}
