insert into questions_app.ai_usage as u
    (tenant_id, day, feature, model, calls, cache_hits, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, cost_micros)
values ($1, $2, $3, $4, 1, $5, $6, $7, $8, $9, $10)
on conflict (tenant_id, day, feature, model) do update
set calls = u.calls + 1,
    cache_hits = u.cache_hits + excluded.cache_hits,
    input_tokens = u.input_tokens + excluded.input_tokens,
    output_tokens = u.output_tokens + excluded.output_tokens,
    cache_read_tokens = u.cache_read_tokens + excluded.cache_read_tokens,
    cache_write_tokens = u.cache_write_tokens + excluded.cache_write_tokens,
    cost_micros = u.cost_micros + excluded.cost_micros
