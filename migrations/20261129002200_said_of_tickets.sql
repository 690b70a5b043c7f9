-- What the rows and the view of a ticket say besides: that its customer does not have the last reply, and that a draft is being
-- made. Lists by what few tickets have are found without a walk through the others in the newest order too.

-- Replies that their customers do not have are few, so a row of a list looks into a small index.
create index message_not_received on support_app.message (ticket_id) where delivery in ('failed', 'bounced', 'unsure');

-- What became of a ticket's last reply when its customer does not have it; null of any other. An answer that was given after
-- it, from here or at the help desk, stands for it. What a machine sends by itself is nobody's reply.
create function support_app.reply_fault(ticket uuid) returns text
    language sql stable
as $fault$
    select m.delivery
    from support_app.message m
    where m.ticket_id = reply_fault.ticket and m.delivery in ('failed', 'bounced', 'unsure') and not m.by_machine
      and not exists (
          select from support_app.message x
          where x.ticket_id = m.ticket_id and x.id <> m.id and x.from_agent and not x.internal and not x.by_machine
            and (x.delivery is null or x.delivery in ('scheduled', 'queued', 'sent')) and x.created_at > m.created_at)
    order by m.created_at desc, m.id desc
    limit 1
$fault$;

-- Jobs of a kind that are not over and are about one thing, by whose id their keys of deduplication begin. The bounds are
-- such as hold whatever order texts have here: an id is hexadecimal, and its jobs go on behind a colon.
create function jobs.unfinished_about(kind text, subject uuid)
    returns table (id uuid, created_at timestamptz, because text)
    language sql stable
as $about$
    select j.id, j.created_at, case when j.state <> 'running' then j.last_error ->> 'message' end
    from jobs.live j
    where j.tenant_id = (select shared.current_tenant()) and j.kind = unfinished_about.kind
      and j.dedup_key >= unfinished_about.subject::text and j.dedup_key < unfinished_about.subject::text || 'zz'
      and starts_with(j.dedup_key, unfinished_about.subject::text || ':')
$about$;

-- Drafts of a ticket that are being made, since when, and why one waits. One that is stored is made, although its job may end
-- a moment later.
create function support_app.drafts_under_way(ticket uuid) returns table (since timestamptz, because text)
    language sql stable
as $drafts$
    select u.created_at, u.because
    from jobs.unfinished_about('draft_reply', drafts_under_way.ticket) u
    where not exists (
        select from support_app.draft d where d.ticket_id = drafts_under_way.ticket and d.job_id = u.id)
$drafts$;

create index ticket_newest_by_channel on support_app.ticket (tenant_id, channel, created_at desc, id desc)
    where archived_at is null and not is_spam and suspended_reason is null;
create index ticket_newest_by_department on support_app.ticket (tenant_id, department, created_at desc, id desc)
    where department is not null and archived_at is null and not is_spam and suspended_reason is null;

-- How many tickets have each tag of the tenant, as they are spelled.
create function support_app.counted_tags() returns table (tag text, tickets bigint)
    language sql stable
as $counted$
    select u.tag, sum(u.tickets)::bigint
    from (
        select c.tag, c.tickets from support_app.tag_count c where c.tenant_id = (select shared.current_tenant())
        union all
        select d.tag, d.delta from support_app.tag_delta d where d.tenant_id = (select shared.current_tenant())
    ) u
    group by u.tag having sum(u.tickets) > 0
$counted$;
