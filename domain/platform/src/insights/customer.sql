-- Everything that is shown of one customer, in one row; no row when the tenant has no such customer.
-- Parameter: 1 the shop's id of the customer.
select c.customer_id,
       -- what was bought, as it is now
       p.orders as profile_orders, p.spend as profile_spend, p.currency as profile_currency, p.refreshed_at,
       (p.first_order_at at time zone day.zone)::date as profile_first_on,
       (p.last_order_at at time zone day.zone)::date as profile_last_on,
       -- the run that readers see
       n.run_id, n.generation, r.as_of, r.pinned, r.currency, r.segmentation_id, r.published_at,
       r.report -> 'notes' as notes,
       -- what it found
       f.orders, f.spend_cents, f.first_order_on, f.last_order_on, f.archetype_l1, f.archetype_l2, f.churn, f.ltv,
       array[f.purchase_frequency, f.purchase_value, f.category_exploration, f.price_sensitivity, f.purchase_cadence,
             f.customer_maturity, f.repurchase_behavior, f.return_behavior, f.communication, f.problem_complexity,
             f.loyalty, f.feedback, f.value_sensitivity] as axes,
       i.computed_at, (i.computed_at at time zone day.zone)::date as computed_on, i.confidence, i.who, i.features, i.memberships, i.places, i.ltv_low, i.ltv_high, i.churn_reasons,
       -- what it found it with
       cm.id as churn_model_id, cm.number as churn_model_number, cm.family as churn_model_family,
       cm.horizon_days as churn_horizon_days,
       lm.id as ltv_model_id, lm.number as ltv_model_number, lm.family as ltv_model_family,
       lm.horizon_days as ltv_horizon_days
from platform.customer c
-- a day is the shop's day
cross join (select platform.shop_zone() as zone) day
left join platform.customer_profile p on p.tenant_id = c.tenant_id and p.customer_id = c.customer_id
left join platform.current_run n on n.tenant_id = c.tenant_id
left join platform.intelligence_run r on r.id = n.run_id
left join platform.customer_fact f
       on f.tenant_id = c.tenant_id and f.generation = n.generation and f.customer_id = c.customer_id
left join platform.customer_insight i
       on i.tenant_id = c.tenant_id and i.generation = n.generation and i.customer_id = c.customer_id
left join platform.model cm on cm.id = r.churn_model_id
left join platform.model lm on lm.id = r.ltv_model_id
where c.tenant_id = shared.current_tenant() and c.customer_id = $1
