-- Knowledge: articles with their versions, what of them is published, the public help page, and whether it helped.

create table support_app.article (
    id                uuid primary key,
    tenant_id         uuid not null references shared.tenant (id),
    -- Its name in addresses.
    slug              text not null,
    category          text,
    -- Whether customers may read it; else colleagues and drafts alone.
    is_public         boolean not null default false,
    -- The newest version, and the one that is published.
    version           integer not null default 1,
    published_version integer,
    created_at        timestamptz not null default now(),
    updated_at        timestamptz not null default now(),
    archived_at       timestamptz,
    constraint article_slug_form check (slug ~ '^[a-z0-9]([a-z0-9-]{0,98}[a-z0-9])?$'),
    constraint article_category_length check (char_length(category) between 1 and 100)
);
create unique index article_slug_once on support_app.article (tenant_id, slug) where archived_at is null;

create table support_app.article_version (
    tenant_id        uuid not null references shared.tenant (id),
    article_id       uuid not null references support_app.article (id),
    version          integer not null,
    -- ISO 639-1 code to {title, body}; the body is Markdown.
    texts            jsonb not null,
    default_language text not null,
    changed_by       text not null,
    at               timestamptz not null default now(),
    primary key (article_id, version)
);

-- What is published, a row a language, ready to be shown and found.
create table support_app.article_page (
    tenant_id  uuid not null references shared.tenant (id),
    article_id uuid not null references support_app.article (id),
    language   text not null,
    version    integer not null,
    is_default boolean not null,
    title      text not null,
    -- Made safe when it was published.
    html       text not null,
    plain      text not null,
    document   tsvector not null,
    published_at timestamptz not null default now(),
    primary key (article_id, language)
);
create index article_page_of_tenant on support_app.article_page (tenant_id, title);

-- A tenant's help page; without a row there is none.
create table support_app.help_page (
    tenant_id  uuid primary key references shared.tenant (id),
    is_on      boolean not null default false,
    title      text not null,
    -- #rrggbb
    colour     text not null default '#1f5eff',
    -- Shown to whoever asks for no language that there is.
    language   text not null default 'en',
    has_form   boolean not null default true,
    version    bigint not null default 1,
    updated_at timestamptz not null default now(),
    constraint help_page_title_length check (char_length(title) between 1 and 200),
    constraint help_page_colour_form check (colour ~ '^#[0-9a-f]{6}$')
);

-- Somebody began to ask: what they were suggested, whether they opened it, whether they asked all the same.
create table support_app.deflection (
    id         uuid primary key,
    tenant_id  uuid not null references shared.tenant (id),
    shown_at   timestamptz not null default now(),
    suggested  uuid[] not null,
    opened_at  timestamptz,
    opened     uuid,
    sent_at    timestamptz,
    ticket_id  uuid references support_app.ticket (id) on delete set null
);
create index deflection_by_time on support_app.deflection (tenant_id, shown_at);
create index deflection_by_ticket on support_app.deflection (ticket_id) where ticket_id is not null;

-- Published pages that match, the best first. There are few thousand of a tenant's, so each is looked at.
create function support_app.search_pages(query tsquery, wanted_language text, public_only boolean, how_many integer)
    returns table (article_id uuid, language text, version integer, slug text, title text, plain text, score real)
    language sql stable
as $search$
    select * from (
        select distinct on (p.article_id) p.article_id, p.language, p.version, a.slug, p.title, left(p.plain, 4000) as plain,
               ts_rank_cd(p.document, query)::real as score
        from support_app.article_page p join support_app.article a on a.id = p.article_id
        where p.tenant_id = shared.current_tenant() and p.document @@ query and (a.is_public or not public_only)
        order by p.article_id, (p.language = wanted_language) desc, p.is_default desc, score desc
    ) found order by score desc, article_id limit how_many
$search$;

do $policies$
declare
    name text;
begin
    foreach name in array array['article', 'article_version', 'article_page', 'help_page', 'deflection'] loop
        execute format('alter table support_app.%I enable row level security', name);
        execute format(
            'create policy own_tenant on support_app.%I to desk_support '
            'using (tenant_id = (select shared.current_tenant())) '
            'with check (tenant_id = (select shared.current_tenant()))', name);
        execute format('grant select, insert, update, delete on support_app.%I to desk_support', name);
    end loop;
end
$policies$;
