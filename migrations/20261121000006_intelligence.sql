-- Customer intelligence in schema `platform`: runs, what they found of every customer, versions of the segmentation,
-- the model registry, snapshots for the drift timeline, forecasts. Written by desk_platform; the other apps read.
--
-- A run writes its rows under a generation of its own and is published by moving one pointer (`current_run`), so a
-- reader sees the old run or the new one and never a mix. Rows of old generations are deleted afterwards.

-- What segment rules may ask beside purchases.
alter table platform.customer
    add column shipping_country text,
    add column shipping_state   text,
    add column marketing_opt_in boolean not null default false,
    add column tags             text[] not null default '{}',
    add constraint customer_country_form check (shipping_country ~ '^[A-Z]{2}$'),
    add constraint customer_tags_bounded check (cardinality(tags) <= 100);

-- Whose orders changed lately: they are computed anew.
create index customer_profile_by_refresh on platform.customer_profile (tenant_id, refreshed_at);

-- A segmentation is fitted once and frozen; a refit is a new version with a report.
create table platform.segmentation (
    id            uuid primary key,
    tenant_id     uuid not null references shared.tenant (id),
    number        integer not null,
    state         text not null default 'current',
    fitted_as_of  date not null,
    customers     bigint not null,
    -- Scalers, centroids, BG/NBD parameters and the table of archetypes, as the worker's JSON.
    model         bytea not null,
    -- What people read: features, axes with their segments, archetypes. Indexes into it are what `customer_fact` holds.
    catalog       jsonb not null,
    report        jsonb not null,
    reason        text not null,
    created_at    timestamptz not null default now(),
    constraint segmentation_state_known check (state in ('current', 'retired')),
    constraint segmentation_number_once unique (tenant_id, number)
);
create unique index segmentation_current on platform.segmentation (tenant_id) where state = 'current';

-- The model registry.
create table platform.model (
    id              uuid primary key,
    tenant_id       uuid not null references shared.tenant (id),
    -- What it predicts: churn or ltv.
    target          text not null,
    number          integer not null,
    -- bg_nbd, logistic, lightgbm, or what the trainer calls a mixture of them.
    family          text not null,
    role            text not null,
    horizon_days    integer not null,
    -- The last day of its data, and the cut-offs it was trained on.
    trained_as_of   date not null,
    window_from     date not null,
    window_to       date not null,
    snapshots       jsonb not null,
    features        jsonb not null,
    parameters      jsonb not null,
    -- On held-back data: ours and the baselines, with intervals.
    metrics         jsonb not null,
    -- Points of the calibration plot, on held-back data.
    calibration     jsonb not null,
    -- Against the champion of the time, on the same held-back data; null for a first model.
    comparison      jsonb,
    artefact        bytea not null,
    artefact_sha256 bytea not null,
    job_id          uuid not null,
    created_at      timestamptz not null default now(),
    decided_at      timestamptz,
    decided_by      text,
    reason          text,
    constraint model_target_known check (target in ('churn', 'ltv')),
    constraint model_role_known check (role in ('champion', 'challenger', 'retired')),
    constraint model_number_once unique (tenant_id, target, number),
    -- A job registers one model, however often it runs.
    constraint model_job_once unique (tenant_id, target, job_id)
);
create unique index model_champion on platform.model (tenant_id, target) where role = 'champion';

create table platform.intelligence_run (
    -- The id of the job that runs it.
    id              uuid primary key,
    tenant_id       uuid not null references shared.tenant (id),
    generation      integer not null,
    state           text not null default 'preparing',
    -- The cut-off: rows up to the end of this day (UTC) count.
    as_of           date not null,
    -- The day was asked for, so customers that are computed anew are computed as of it too.
    pinned          boolean not null default false,
    currency        text,
    segmentation_id uuid references platform.segmentation (id),
    churn_model_id  uuid references platform.model (id),
    ltv_model_id    uuid references platform.model (id),
    -- The tenant's own rates, medians and price distributions as of the cut-off, as the worker's JSON.
    statistics      bytea,
    shards          integer,
    customers       bigint,
    lines           bigint,
    -- Lines left out because they are in another currency.
    lines_left_out  bigint,
    started_at      timestamptz not null default now(),
    -- When models were asked to be trained first.
    training_at     timestamptz,
    prepared_at     timestamptz,
    published_at    timestamptz,
    -- What it found: sizes of segments and archetypes, drift, what could not be done and why.
    report          jsonb not null default '{}',
    error           text,
    constraint intelligence_run_state_known check (state in ('preparing', 'scoring', 'published', 'superseded', 'failed')),
    constraint intelligence_run_generation_once unique (tenant_id, generation)
);
-- One run at a time.
create unique index intelligence_run_active on platform.intelligence_run (tenant_id)
    where state in ('preparing', 'scoring');
create index intelligence_run_by_time on platform.intelligence_run (tenant_id, started_at desc);

-- A shard is a range of customer ids, lower bound included, upper excluded; null is no bound.
create table platform.intelligence_shard (
    run_id     uuid not null references platform.intelligence_run (id) on delete cascade,
    shard      integer not null,
    tenant_id  uuid not null,
    lower      text,
    upper      text,
    done_at    timestamptz,
    customers  bigint,
    lines      bigint,
    -- Counts and sums that the published report adds up.
    summary    jsonb,
    primary key (run_id, shard)
);

create table platform.current_run (
    tenant_id     uuid primary key references shared.tenant (id),
    run_id        uuid not null references platform.intelligence_run (id),
    generation    integer not null,
    -- Grows with every change of a current row, so that caches know what is old.
    facts_version bigint not null default 1,
    changed_at    timestamptz not null default now()
);

-- What segment rules and lists look at: narrow, one row a customer and generation.
create table platform.customer_fact (
    tenant_id            uuid not null,
    generation           integer not null,
    customer_id          text not null,
    orders               integer not null,
    -- Net of returns, in hundredths of the run's currency.
    spend_cents          bigint not null,
    first_order_on       date,
    last_order_on        date,
    -- Indexes into the segmentation's catalog; null where the axis says nothing. Segment x 4 + strength, which is
    -- 0 weak, 1 balanced, 2 strong.
    purchase_frequency   smallint,
    purchase_value       smallint,
    category_exploration smallint,
    price_sensitivity    smallint,
    purchase_cadence     smallint,
    customer_maturity    smallint,
    repurchase_behavior  smallint,
    return_behavior      smallint,
    archetype_l1         smallint,
    archetype_l2         smallint,
    marketing_opt_in     boolean not null,
    -- Probability of no order within the horizon; null: not enough data.
    churn                real,
    -- Expected spend within the horizon, in units of the run's currency.
    ltv                  real,
    shipping_country     text,
    shipping_state       text,
    primary key (tenant_id, generation, customer_id)
);

-- What is shown of one customer: wide, one row a customer and generation.
create table platform.customer_insight (
    tenant_id     uuid not null,
    generation    integer not null,
    customer_id   text not null,
    computed_at   timestamptz not null,
    -- How far the behaviour is to be trusted: rule, low, medium, high.
    confidence    text not null,
    -- Who this is, in words: by rule below three orders, else by archetype.
    who           text not null,
    -- 66 numbers of 4 bytes, little-endian, in the catalog's order; NaN is missing.
    features      bytea not null,
    -- Memberships over all axes' segments in the catalog's order, a byte each, 255 is 1.
    memberships   bytea not null,
    -- The 10 % and 90 % bounds of the expected spend.
    ltv_low       real,
    ltv_high      real,
    -- Sentences; null until somebody asks, or the customer is among those most at risk.
    churn_reasons jsonb,
    primary key (tenant_id, generation, customer_id)
);

-- Who changed from one run to the next: segment, archetype or band of risk.
create table platform.customer_change (
    tenant_id      uuid not null,
    customer_id    text not null,
    run_id         uuid not null,
    changed_on     date not null,
    -- Mean over the axes of the distance between memberships, 0 to 1.
    drift          real not null,
    archetype_from smallint,
    archetype_to   smallint,
    churn_from     real,
    churn_to       real,
    primary key (tenant_id, customer_id, run_id)
);
create index customer_change_by_run on platform.customer_change (tenant_id, run_id, drift desc);

-- Memberships and scores of the past, packed: one row for about a thousand customers with neighbouring ids.
create table platform.profile_snapshot (
    tenant_id       uuid not null,
    -- day, week or month: how long it is kept.
    grain           text not null,
    taken_on        date not null,
    first_customer  text not null,
    last_customer   text not null,
    segmentation_id uuid not null,
    customers       text[] not null,
    -- The memberships of these customers one after the other, all equally long.
    memberships     bytea not null,
    churn           real[] not null,
    ltv             real[] not null,
    primary key (tenant_id, grain, taken_on, first_customer),
    constraint profile_snapshot_grain_known check (grain in ('day', 'week', 'month'))
);

-- Stability of features and scores between runs, and realised against predicted rates.
create table platform.drift_report (
    job_id     uuid primary key,
    tenant_id  uuid not null references shared.tenant (id),
    run_id     uuid not null,
    created_at timestamptz not null default now(),
    -- fine, watch or act: the worst of its parts.
    verdict    text not null,
    report     jsonb not null,
    constraint drift_report_verdict_known check (verdict in ('fine', 'watch', 'act'))
);
create index drift_report_by_time on platform.drift_report (tenant_id, created_at desc);

create table platform.forecast (
    tenant_id  uuid not null references shared.tenant (id),
    -- revenue, customer_count, average_ltv or churn_rate.
    metric     text not null,
    made_on    date not null,
    method     text not null,
    -- Error of every method tried, on months that were held back.
    backtest   jsonb not null,
    history    jsonb not null,
    points     jsonb not null,
    job_id     uuid not null,
    created_at timestamptz not null default now(),
    primary key (tenant_id, metric, made_on),
    constraint forecast_metric_known check (metric in ('revenue', 'customer_count', 'average_ltv', 'churn_rate'))
);

do $policies$
declare
    name text;
begin
    foreach name in array array['segmentation', 'model', 'intelligence_run', 'intelligence_shard', 'current_run',
                                'customer_fact', 'customer_insight', 'customer_change', 'profile_snapshot',
                                'drift_report', 'forecast'] loop
        execute format('alter table platform.%I enable row level security', name);
        execute format(
            'create policy own_tenant on platform.%I to desk_platform, desk_support, desk_marketing '
            'using (tenant_id = (select shared.current_tenant())) '
            'with check (tenant_id = (select shared.current_tenant()))', name);
        execute format('grant select, insert, update, delete on platform.%I to desk_platform', name);
        execute format('grant select on platform.%I to desk_support, desk_marketing', name);
    end loop;
end
$policies$;
