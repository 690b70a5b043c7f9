// What can be forecast, as the API names it and as people do.

export const METRICS = [
  { value: "revenue", label: "Revenue" },
  { value: "customer_count", label: "Customers with an order" },
  { value: "average_ltv", label: "Revenue a customer" },
  { value: "churn_rate", label: "Share of customers who leave" },
] as const;
