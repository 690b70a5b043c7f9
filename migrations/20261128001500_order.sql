-- The smart order: what a ticket's customer is worth a look, and what is known of the tenant's customers as a whole.

alter table support_app.ticket
    -- The shop's customer behind the ticket, as it was last looked up; null is nobody, or not looked up yet.
    add column known_customer text,
    -- Names the contact details that were looked up, without telling them; another value asks for a new look.
    add column looked_up_for  text,
    -- What the order uses of the customer: churn, value (the share of the tenant's customers that are worth less), run.
    add column customer_facts jsonb,
    -- standard, silver, gold or platinum: the one definition of a tier, by value.
    add column customer_tier  text,
    add constraint ticket_tier_known check
        (customer_tier is null or customer_tier in ('standard', 'silver', 'gold', 'platinum'));

-- The unfinished tickets of a customer of whom something new is known.
create index ticket_unfinished_of_customer on support_app.ticket (tenant_id, known_customer)
    where status in ('open', 'pending') and known_customer is not null;
-- All unfinished ones, page by page.
create index ticket_unfinished on support_app.ticket (tenant_id, id) where status in ('open', 'pending');

-- What a tenant's customers are like as a whole, as of a run: it stands in for what is not known of one.
create table support_app.order_base (
    tenant_id     uuid primary key references shared.tenant (id),
    run_id        uuid,
    churn_median  real,
    -- Expected spend at 0, 1, ... 100 % of the customers, ascending; none without a model of it.
    value_bounds  real[] not null default '{}',
    -- From which share of the customers on a tier begins: silver, gold, platinum.
    tier_bounds   real[] not null default '{0.5,0.8,0.95}',
    computed_at   timestamptz not null default now(),
    constraint order_base_bounds_whole check (cardinality(value_bounds) in (0, 101)),
    constraint order_base_tiers_whole check (cardinality(tier_bounds) = 3)
);

-- A topic that goes first for a while: a recall, an outage.
create table support_app.topic_alert (
    tenant_id uuid not null references shared.tenant (id),
    topic     text not null,
    reason    text,
    set_by    text not null,
    set_at    timestamptz not null default now(),
    until     timestamptz not null,
    primary key (tenant_id, topic),
    constraint topic_alert_topic_length check (char_length(topic) between 1 and 60),
    constraint topic_alert_reason_length check (char_length(reason) <= 500)
);

do $policies$
declare
    name text;
begin
    foreach name in array array['order_base', 'topic_alert'] loop
        execute format('alter table support_app.%I enable row level security', name);
        execute format(
            'create policy own_tenant on support_app.%I to desk_support '
            'using (tenant_id = (select shared.current_tenant())) '
            'with check (tenant_id = (select shared.current_tenant()))', name);
        execute format('grant select, insert, update, delete on support_app.%I to desk_support', name);
    end loop;
end
$policies$;
