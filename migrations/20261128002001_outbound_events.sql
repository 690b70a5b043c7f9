-- What becomes an event for other systems, by triggers: it is then in the outbox with the transaction that makes it,
-- whoever makes it. Each looks first whether anybody listens, so a tenant without endpoints pays for one look by index.

-- The desk's own events (support_app.emit): tickets, clocks, assignment, replies.
create function outbound.of_desk() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $desk$
declare
    ticket text := 'ticket:' || coalesce(new.ticket_id::text, 'none');
    base jsonb := jsonb_build_object('ticket_id', new.ticket_id);
    changed jsonb := coalesce(new.payload -> 'changed', '[]');
begin
    -- A help desk that is busy and has nobody who listens pays for this alone.
    if not exists (select from outbound.endpoint e where e.tenant_id = new.tenant_id and e.removed_at is null)
       and not exists (select from outbound.alert_rule r where r.tenant_id = new.tenant_id) then
        return null;
    end if;
    case new.kind
        when 'new_ticket' then
            perform outbound.note(new.tenant_id, 'ticket.created', ticket, base || new.payload);
        when 'ticket_update' then
            perform outbound.note(new.tenant_id, 'ticket.updated', ticket, base || new.payload);
            if changed ? 'status' then
                perform outbound.note(new.tenant_id, 'ticket.status_changed', ticket, base || jsonb_build_object(
                    'status', new.payload -> 'status', 'version', new.payload -> 'version'));
            end if;
            if changed ?| array['assignee_id', 'assignment_state'] then
                perform outbound.note(new.tenant_id, 'assignment.changed', ticket, base || jsonb_build_object(
                    'assignee_id', new.payload -> 'assignee_id', 'version', new.payload -> 'version'));
            end if;
        when 'ticket_rated' then
            perform outbound.note(new.tenant_id, 'ticket.rated', ticket, base || jsonb_build_object(
                'score', new.payload -> 'score', 'source', new.payload -> 'source'));
        when 'reply_sent' then
            perform outbound.note(new.tenant_id, 'message.sent', ticket, base || jsonb_build_object(
                'message_id', new.payload -> 'message_id'));
        when 'reply_failed' then
            perform outbound.note(new.tenant_id, 'message.failed', ticket, base || jsonb_build_object(
                'message_id', new.payload -> 'message_id'));
        when 'sla_warning' then
            perform outbound.note(new.tenant_id, 'sla.at_risk', ticket, base || jsonb_build_object(
                'number', new.payload -> 'number', 'clock', new.payload -> 'clock', 'due_at', new.payload -> 'due_at'));
        when 'sla_breach' then
            perform outbound.note(new.tenant_id, 'sla.breached', ticket, base || jsonb_build_object(
                'number', new.payload -> 'number', 'clock', new.payload -> 'clock', 'due_at', new.payload -> 'due_at'));
        else
            null;
    end case;
    if new.payload ->> 'priority' = 'urgent' and (new.kind = 'new_ticket' or changed ? 'priority') then
        perform outbound.note(new.tenant_id, 'ticket.urgent', ticket, base || jsonb_build_object(
            'version', new.payload -> 'version', 'status', new.payload -> 'status'));
    end if;
    return null;
end
$desk$;
create trigger outbound_event after insert on support_app.event_pending
    for each row execute function outbound.of_desk();

-- Messages that came in, and notes.
create function outbound.of_messages() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $messages$
begin
    insert into outbound.outbox (tenant_id, type, subject, data)
    select m.tenant_id, t.type, 'ticket:' || m.ticket_id, jsonb_build_object(
        'ticket_id', m.ticket_id, 'message_id', m.id, 'channel', m.channel, 'by_machine', m.by_machine)
    from added m
    cross join lateral (select case when m.internal then 'message.noted' else 'message.received' end as type) t
    where (m.internal or not m.from_agent) and outbound.listens(m.tenant_id, t.type)
    order by m.sent_at, m.id;
    return null;
end
$messages$;
create trigger outbound_event after insert on support_app.message
    referencing new table as added for each statement execute function outbound.of_messages();

-- What is known of customers from their orders.
create function outbound.of_profiles() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $profiles$
begin
    insert into outbound.outbox (tenant_id, type, subject, data)
    select n.tenant_id, 'customer.profile_changed', 'customer:' || n.customer_id, jsonb_build_object(
        'customer_id', n.customer_id, 'orders', n.orders, 'spend', n.spend::text, 'currency', n.currency,
        'last_order_at', n.last_order_at)
    from added n where n.tenant_id = any (array(
        select d.tenant_id from (select distinct tenant_id from added) d
        where outbound.listens(d.tenant_id, 'customer.profile_changed')));
    return null;
end
$profiles$;
create function outbound.of_changed_profiles() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $profiles$
begin
    insert into outbound.outbox (tenant_id, type, subject, data)
    select n.tenant_id, 'customer.profile_changed', 'customer:' || n.customer_id, jsonb_build_object(
        'customer_id', n.customer_id, 'orders', n.orders, 'spend', n.spend::text, 'currency', n.currency,
        'last_order_at', n.last_order_at)
    from added n join former o on o.tenant_id = n.tenant_id and o.customer_id = n.customer_id
    where (o.orders, o.lines, o.spend, o.currency, o.returned_value, o.first_order_at, o.last_order_at)
          is distinct from
          (n.orders, n.lines, n.spend, n.currency, n.returned_value, n.first_order_at, n.last_order_at)
      and n.tenant_id = any (array(
        select d.tenant_id from (select distinct tenant_id from added) d
        where outbound.listens(d.tenant_id, 'customer.profile_changed')));
    return null;
end
$profiles$;
create trigger outbound_event after insert on platform.customer_profile
    referencing new table as added for each statement execute function outbound.of_profiles();
create trigger outbound_event_of_change after update on platform.customer_profile
    referencing old table as former new table as added
    for each statement execute function outbound.of_changed_profiles();

-- The word for a probability of leaving; the bounds are those of domain/platform/src/risk.rs, and a test compares.
create function outbound.risk_band(churn real) returns text
    language sql immutable
    return case when churn is null or churn = 'nan' then null when churn >= 0.8::real then 'critical'
                when churn >= 0.6::real then 'high' when churn >= 0.3::real then 'medium' else 'low' end;

create function outbound.note_customer(
    tenant uuid, customer text, run uuid, catalog jsonb, archetype_from smallint, archetype_to smallint, churn_from real,
    churn_to real) returns void
    language plpgsql volatile set search_path = pg_catalog, pg_temp
as $customer$
declare
    band_from text := outbound.risk_band(churn_from);
    band_to text := outbound.risk_band(churn_to);
begin
    if archetype_from is distinct from archetype_to then
        perform outbound.note(tenant, 'customer.archetype_changed', 'customer:' || customer, jsonb_build_object(
            'customer_id', customer, 'run_id', run,
            'from', catalog -> 'archetypes' -> archetype_from::integer -> 'id',
            'to', catalog -> 'archetypes' -> archetype_to::integer -> 'id',
            'to_name', catalog -> 'archetypes' -> archetype_to::integer -> 'name'));
    end if;
    if band_from is distinct from band_to then
        perform outbound.note(tenant, 'customer.risk_band_changed', 'customer:' || customer, jsonb_build_object(
            'customer_id', customer, 'run_id', run, 'from', band_from, 'to', band_to));
    end if;
end
$customer$;

-- A run is published, or single customers of it were computed anew: both move the pointer.
create function outbound.of_pointer() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $pointer$
declare
    words jsonb;
begin
    if not outbound.listens(new.tenant_id, 'customer.archetype_changed')
       and not outbound.listens(new.tenant_id, 'customer.risk_band_changed') then
        return null;
    end if;
    select s.catalog into words
    from platform.intelligence_run r join platform.segmentation s on s.id = r.segmentation_id where r.id = new.run_id;
    if tg_op = 'UPDATE' and old.run_id = new.run_id then
        perform outbound.note_customer(new.tenant_id, n.customer_id, new.run_id, words, o.archetype_l2, n.archetype_l2,
                                       o.churn, n.churn)
        from platform.fact_change o join platform.customer_fact n
            on n.tenant_id = o.tenant_id and n.generation = o.generation and n.customer_id = o.customer_id
        where o.tenant_id = new.tenant_id and o.generation = new.generation and o.facts_version = new.facts_version;
    else
        perform outbound.note_customer(new.tenant_id, c.customer_id, new.run_id, words, c.archetype_from, c.archetype_to,
                                       c.churn_from, c.churn_to)
        from platform.customer_change c where c.tenant_id = new.tenant_id and c.run_id = new.run_id;
    end if;
    return null;
end
$pointer$;
create trigger outbound_event after insert or update on platform.current_run
    for each row execute function outbound.of_pointer();

-- Who came into a segment, and who left it.
create function outbound.of_segments() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $segments$
begin
    insert into outbound.outbox (tenant_id, type, subject, data)
    select c.tenant_id, t.type, 'customer:' || c.customer_id, jsonb_build_object(
        'segment_id', c.segment_id, 'customer_id', c.customer_id, 'evaluation_id', c.evaluation_id)
    from added c
    join (select d.tenant_id, d.entered, case when d.entered then 'segment.entered' else 'segment.left' end as type
          from (select distinct tenant_id, entered from added) d) t
        on t.tenant_id = c.tenant_id and t.entered = c.entered and outbound.listens(t.tenant_id, t.type);
    return null;
end
$segments$;
create trigger outbound_event after insert on marketing_app.segment_change
    referencing new table as added for each statement execute function outbound.of_segments();

-- Jobs that failed for good; not those that tell of it, or each would be the cause of another.
create function outbound.of_dead() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $dead$
begin
    insert into outbound.outbox (tenant_id, type, subject, data)
    select d.tenant_id, 'job.dead', 'job:' || d.id, jsonb_build_object(
        'job_id', d.id, 'kind', d.kind, 'queue', d.queue, 'error_class', d.error_class, 'attempts', d.attempt)
    from added d
    where d.kind not in ('deliver_webhook', 'send_slack_alert', 'answer_slack')
      and outbound.listens(d.tenant_id, 'job.dead');
    return null;
end
$dead$;
create trigger outbound_event after insert on jobs.dead
    referencing new table as added for each statement execute function outbound.of_dead();

-- Imports that are over, one way or another.
create function outbound.of_import() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $import$
begin
    perform outbound.note(new.tenant_id, 'import.finished', 'import:' || new.id, jsonb_build_object(
        'import_id', new.id, 'state', new.state, 'lines_read', new.lines_read, 'lines_stored', new.inserted,
        'lines_known', new.duplicates, 'lines_rejected', new.rejected, 'orders_stored', new.orders_inserted,
        'orders_replaced', new.orders_replaced));
    return null;
end
$import$;
create trigger outbound_event after update on platform.import_run
    for each row when (old.state <> new.state and new.state in ('done', 'cancelled', 'failed', 'undone'))
    execute function outbound.of_import();

do $rights$
declare
    signature text;
begin
    foreach signature in array array[
        'of_desk()', 'of_messages()', 'of_profiles()', 'of_changed_profiles()', 'of_pointer()', 'of_segments()',
        'of_dead()', 'of_import()',
        'note_customer(uuid, text, uuid, jsonb, smallint, smallint, real, real)'] loop
        execute format('revoke all on function outbound.%s from public', signature);
    end loop;
end
$rights$;
