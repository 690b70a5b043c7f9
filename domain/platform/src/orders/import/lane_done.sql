-- Notes what a lane of an import has committed. Parameters: 1 import, 2 lane, 3 and 4 its last row before and now, 5 lines
-- (stored, known, left out), 6 orders (inserted, replaced, unchanged, older), 7 rows left out and 8 remarks by reason,
-- 9 notes kept. Changes nothing when the import ended or somebody else goes on with it.
update platform.import_run
set lanes[$2] = $4,
    inserted = inserted + ($5::bigint[])[1],
    duplicates = duplicates + ($5::bigint[])[2],
    rejected = rejected + ($5::bigint[])[3],
    orders_inserted = orders_inserted + ($6::bigint[])[1],
    orders_replaced = orders_replaced + ($6::bigint[])[2],
    orders_unchanged = orders_unchanged + ($6::bigint[])[3],
    orders_older = orders_older + ($6::bigint[])[4],
    left_out = platform.add_counts(left_out, $7),
    remarks = platform.add_counts(remarks, $8),
    notes = notes + $9,
    updated_at = now()
where id = $1 and lanes[$2] = $3 and state = 'running'
