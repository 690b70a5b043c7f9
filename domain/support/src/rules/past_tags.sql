-- Tags that tickets got.
-- $1 from, $2 until, $3 and $4 the last one of the page before, $5 how many, $6 warning or breach
select c.id::text as key, c.ticket_id, c.at, null::uuid as message_id,
       jsonb_build_object('tags', array(select jsonb_array_elements_text(c.new)
                                        except select jsonb_array_elements_text(coalesce(c.old, '[]')))) as detail,
       case when starts_with(c.actor, 'rule:') then substr(c.actor, 6)::uuid end as by_rule
from support_app.ticket_change c join support_app.ticket t on t.id = c.ticket_id
where c.tenant_id = shared.current_tenant() and c.field = 'tags' and c.at >= $1 and c.at <= $2 and c.at > t.created_at
  and not c.new <@ coalesce(c.old, '[]')
  and ($3::timestamptz is null or (c.at, c.id::text) > ($3, $4)) and $6::text is not null
order by c.at, c.id::text limit $5
