-- A ticket with everything that stands beside it, in one row; no row when the tenant has no such ticket. Each subject adds
-- its column: to_jsonb of what it keeps of the ticket.
-- Parameters: 1 the ticket, 2 the agent or key whose text is being written.
select t.*, support_app.reply_fault(t.id) as reply_fault,
       (select m.id from support_app.message m where m.ticket_id = t.id
        order by greatest(m.created_at, m.moved_at) desc, m.id desc limit 1)
           as last_message_id,
       (select count(*) from support_app.message m where m.ticket_id = t.id and m.internal) as note_count,
       -- whose it is
       (select jsonb_build_object('id', a.id, 'name', a.name, 'is_present', a.is_present, 'availability', a.availability)
        from support_app.agent a where a.id = t.assignee_id) as assignee,
       -- what the caller is writing
       (select to_jsonb(r) - 'tenant_id' - 'ticket_id' - 'writer_id' from support_app.reply_text r
        where r.ticket_id = t.id and r.writer_id = $2) as reply_text,
       -- who else is writing
       (select coalesce(jsonb_agg(r.writer_id order by r.updated_at desc), '[]') from support_app.reply_text r
        where r.ticket_id = t.id and r.writer_id <> $2) as other_writers,
       -- the current draft: as in drafts::current
       (select to_jsonb(d) - 'tenant_id' || jsonb_build_object('stale', d.message_count < t.message_count)
        from support_app.draft d where d.ticket_id = t.id
        order by d.message_count desc, (d.chosen_at is not null or d.edited_at is not null) desc, d.created_at desc,
                 d.id desc
        limit 1) as draft,
       -- its clocks, as they stand at this moment
       (select coalesce(jsonb_agg(jsonb_build_object(
                   'kind', c.kind, 'seq', c.seq, 'state', c.state, 'started_at', c.started_at, 'due_at', c.due_at,
                   'warn_at', c.warn_at, 'ended_at', c.ended_at, 'ended_by', c.ended_by, 'verdict', c.verdict,
                   'target_minutes', c.target_minutes,
                   'standing', case when c.ended_at is not null then c.standing
                                    when c.due_at < now() then 'breached'
                                    when c.standing = 'within_sla' and c.warn_at <= now() then 'at_risk'
                                    else c.standing end) order by c.started_at, c.kind, c.seq), '[]')
        from support_app.sla_clock c where c.ticket_id = t.id) as clocks,
       -- what is under way for it, and why it waits where that is known
       (select coalesce(jsonb_agg(jsonb_build_object('what', p.what, 'since', p.since, 'because', p.because)
                                  order by p.since, p.what), '[]')
        from (
            select 'reply' as what, m.send_at as since, m.error as because
            from support_app.message m where m.ticket_id = t.id and m.delivery in ('scheduled', 'queued')
            union all
            select 'reading', a.asked_at, null
            from support_app.message m join support_app.message_analysis a on a.message_id = m.id
            where m.ticket_id = t.id and a.analysed_at is null
            union all
            select 'draft', d.since, d.because from support_app.drafts_under_way(t.id) d
            union all
            select 'help_desk', t.updated_at, null
            from support_app.help_desk_base b
            where b.ticket_id = t.id and t.merged_into is null
              and (b.status <> support_app.coarse_status(t.status, t.snoozed_until)
                   or not (b.tags @> t.tags and t.tags @> b.tags) or b.assignee_id is distinct from t.assignee_id)
        ) p) as pending,
       -- what went into it, and what followed
       (select coalesce(jsonb_agg(s.id order by s.id), '[]') from support_app.ticket s where s.merged_into = t.id)
           as merged_from,
       (select coalesce(jsonb_agg(f.id order by f.id), '[]') from support_app.ticket f where f.follow_up_of = t.id)
           as follow_ups
from support_app.ticket t
where t.id = $1
