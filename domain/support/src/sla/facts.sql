-- $1 the tickets' ids
--
-- They are read from a CTE, so that the planner makes the same of one id as of many and plans this once a session: it took
-- longer to plan than to run.
with recursive asked as materialized (
    select unnest($1::uuid[]) as id
),
wanted as (
    select t.* from support_app.ticket t where t.id = any(array(select id from asked))
),
-- what machines sent and what is not on its way counts for nobody
spoken as (
    select m.ticket_id, jsonb_agg(jsonb_build_object('at', m.sent_at, 'from_agent', m.from_agent) order by m.sent_at) as list,
           min(m.sent_at) as first_at
    from support_app.message m
    where m.ticket_id = any(array(select id from asked)) and not m.internal and not m.by_machine
      and (m.delivery is null or m.delivery in ('queued', 'sent'))
    group by m.ticket_id
),
changed as (
    select c.ticket_id,
           jsonb_agg(jsonb_build_object('at', c.at, 'field', c.field, 'old', c.old, 'new', c.new) order by c.at, c.id) as list
    from support_app.ticket_change c
    where c.ticket_id = any(array(select id from asked))
      and c.field in ('status', 'priority', 'channel', 'department', 'customer_tier', 'tags', 'is_spam',
                      'suspended_reason', 'merged_into', 'archived_at')
    group by c.ticket_id
),
-- tickets that went into those wanted, also by way of others; at is when they arrived
merged as (
    select t.merged_into as target, t.id, t.waiting_since,
           coalesce((select max(c.at) from support_app.ticket_change c
                     where c.ticket_id = t.id and c.field = 'merged_into'), t.updated_at) as at, 1 as depth
    from support_app.ticket t
    where t.merged_into = any(array(select id from asked))
    union all
    select m.target, t.id, t.waiting_since, m.at, m.depth + 1
    from merged m join support_app.ticket t on t.merged_into = m.id
    where m.depth < 20
),
inherited as (
    select m.target, jsonb_agg(jsonb_build_object('at', m.at, 'since', m.waiting_since)) as list
    from merged m where m.waiting_since is not null group by m.target
),
kept as (
    select c.ticket_id, jsonb_agg(to_jsonb(c)) as list from support_app.sla_clock c
    where c.ticket_id = any(array(select id from asked)) group by c.ticket_id
),
-- versions that were over before the first of the tickets began concern none of them
began as (
    select coalesce(min(least(w.created_at, s.first_at)), now()) as at
    from wanted w left join spoken s on s.ticket_id = w.id
)
select
    coalesce((
        select jsonb_agg(jsonb_build_object(
            'id', w.id, 'created_at', w.created_at, 'status', w.status, 'channel', w.channel,
            'priority', w.priority, 'tags', w.tags, 'department', w.department, 'customer_tier', w.customer_tier,
            'is_spam', w.is_spam, 'is_suspended', w.suspended_reason is not null,
            'is_merged', w.merged_into is not null, 'is_archived', w.archived_at is not null,
            'sla_due_at', w.sla_due_at, 'sla_state', w.sla_state,
            'messages', coalesce(s.list, '[]'), 'changes', coalesce(c.list, '[]'),
            'inherited', coalesce(i.list, '[]'), 'clocks', coalesce(k.list, '[]')))
        from wanted w
        left join spoken s on s.ticket_id = w.id
        left join changed c on c.ticket_id = w.id
        left join inherited i on i.target = w.id
        left join kept k on k.ticket_id = w.id
    ), '[]') as tickets,
    coalesce((
        select jsonb_agg(to_jsonb(v) order by v.position, v.policy_id)
        from support_app.sla_policy_version v, began b
        where v.valid_until is null or v.valid_until > b.at
    ), '[]') as policies,
    coalesce((
        select jsonb_agg(to_jsonb(v) || jsonb_build_object('is_default', c.is_default))
        from support_app.sla_calendar_version v join support_app.sla_calendar c on c.id = v.calendar_id, began b
        where v.valid_until is null or v.valid_until > b.at
    ), '[]') as calendars
