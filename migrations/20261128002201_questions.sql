-- Questions in plain language, what answering them may cost, and what models were used for in all features.

create schema questions_app;
grant usage on schema questions_app to desk_marketing;

-- What a tenant allows; a tenant without a row has the defaults.
create table questions_app.policy (
    tenant_id         uuid primary key references shared.tenant (id),
    -- Groups of fewer customers are withheld outside of the desk.
    smallest_group    integer not null default 5,
    -- Millionths of a US dollar that models may cost in a calendar month (UTC); none is no limit.
    monthly_micros    bigint,
    -- From this share of it on, answers carry a warning.
    warn_percent      integer not null default 80,
    -- How often the model may be asked for one question.
    rounds            integer not null default 6,
    updated_at        timestamptz not null default now(),
    updated_by        text not null,
    constraint policy_smallest_group_range check (smallest_group between 2 and 100),
    constraint policy_monthly_range check (monthly_micros between 0 and 1000000000000),
    constraint policy_warn_range check (warn_percent between 1 and 100),
    constraint policy_rounds_range check (rounds between 1 and 12)
);

create table questions_app.conversation (
    id         uuid primary key,
    tenant_id  uuid not null references shared.tenant (id),
    -- Who asks, as the trail names them: nobody else sees the conversation.
    asked_by   text not null,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null
);
create index conversation_by_expiry on questions_app.conversation (tenant_id, expires_at);

create table questions_app.exchange (
    id              uuid primary key,
    tenant_id       uuid not null references shared.tenant (id),
    conversation_id uuid not null references questions_app.conversation (id) on delete cascade,
    question        text not null,
    -- What the credential that asked may do.
    scopes          text[] not null,
    -- The answer as it was given; none while it is being made.
    answer          jsonb,
    -- The call that a short question that follows refers to.
    last_call       jsonb,
    asked_at        timestamptz not null default now(),
    answered_at     timestamptz,
    constraint exchange_question_length check (char_length(question) between 1 and 2000)
);
create index exchange_by_conversation on questions_app.exchange (conversation_id, asked_at, id);

-- What models were used for, by day (UTC), feature and model.
create table questions_app.ai_usage (
    tenant_id          uuid not null references shared.tenant (id),
    day                date not null,
    feature            text not null,
    model              text not null,
    calls              bigint not null default 0,
    -- Calls that read from the upstream's prompt cache.
    cache_hits         bigint not null default 0,
    input_tokens       bigint not null default 0,
    output_tokens      bigint not null default 0,
    cache_read_tokens  bigint not null default 0,
    cache_write_tokens bigint not null default 0,
    -- Millionths of a US dollar by the prices that were set when it was used.
    cost_micros        bigint not null default 0,
    primary key (tenant_id, day, feature, model),
    constraint ai_usage_feature_known check (feature in ('answer_question', 'draft_reply', 'analyze_message', 'recommend_actions'))
);

do $policies$
declare
    name text;
begin
    foreach name in array array['policy', 'conversation', 'exchange', 'ai_usage'] loop
        execute format('alter table questions_app.%I enable row level security', name);
        execute format(
            'create policy own_tenant on questions_app.%I to desk_marketing '
            'using (tenant_id = (select shared.current_tenant())) '
            'with check (tenant_id = (select shared.current_tenant()))', name);
        execute format('grant select, insert, update, delete on questions_app.%I to desk_marketing', name);
    end loop;
end
$policies$;
