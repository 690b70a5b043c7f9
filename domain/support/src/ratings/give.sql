-- Stores a rating, one a resolution, the newest of several. No row when there is no such ticket, or when a newer rating
-- is there.
-- Parameters: 1 id, 2 ticket, 3 score, 4 comment, 5 source, 6 by, 7 the survey's id, 8 when it was given.
insert into support_app.rating as r
    (id, tenant_id, ticket_id, resolution, score, comment, source, given_by, external_id, agent_id, given_at)
select $1, t.tenant_id, t.id,
       -- which resolution it is of: those before it was given
       (select count(*) from support_app.ticket_change c
        where c.ticket_id = t.id and c.field = 'status' and c.at <= $8
          and c.new #>> '{}' in ('resolved', 'closed')
          and coalesce(c.old #>> '{}', '') not in ('resolved', 'closed')),
       $3, $4, $5, $6, $7,
       -- whose ticket it was: the assignee, else who replied last
       coalesce(t.assignee_id, (select m.author_id from support_app.message m
                                where m.ticket_id = t.id and m.author_id is not null and not m.internal
                                order by m.sent_at desc, m.id desc limit 1)),
       $8
from support_app.ticket t
where t.id = $2
on conflict (ticket_id, resolution) do update set
    score = excluded.score, comment = excluded.comment, source = excluded.source, given_by = excluded.given_by,
    external_id = excluded.external_id, agent_id = excluded.agent_id, given_at = excluded.given_at
    where r.given_at <= excluded.given_at
returning id, ticket_id, resolution, score, comment, source, agent_id, given_at
