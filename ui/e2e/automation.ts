// What the screens of rules, macros and articles show. Nothing of it is in force, so that other tests are left alone. Run
// again it adds nothing twice.

import { api, post } from "./api.ts";

type Listed = { items: { id: string; name?: string; slug?: string }[] };

export async function automation(): Promise<{ rule: string; macro: string; article: string }> {
  const macro = await once("/api/macros?limit=100", "Refund is on its way", () => ({
    folder: "Refunds",
    default_language: "en",
    texts: {
      en: "Hello {{customer.first_name | there}}, the refund for order {{order.number}} is on its way.",
      de: "Guten Tag {{customer.first_name | zusammen}}, die Erstattung zu Bestellung {{order.number}} ist unterwegs.",
    },
    actions: [{ do: "add_tags", tags: ["refund"] }],
  }));
  const rule = await once("/api/rules", "Unhappy customers who matter come first", () => ({
    event: "message_received",
    conditions: {
      all: [
        { field: "sentiment", op: "at_most", value: 0.3 },
        { field: "customer_tier", op: "one_of", value: ["gold", "platinum"] },
        { field: "channel", op: "is", value: "email" },
      ],
    },
    unless: { any: [{ field: "tags", op: "one_of", value: ["refund"] }] },
    actions: [
      { do: "set_priority", priority: "high" },
      { do: "add_tags", tags: ["unhappy"] },
      { do: "reply", macro_id: macro },
    ],
  }));
  const slug = "how-returns-work";
  const articles = await api<Listed>("/api/articles?limit=100");
  const known = articles.items.find((one) => one.slug === slug)?.id;
  const article =
    known ??
    (
      await post<{ id: string }>("/api/articles", {
        slug,
        category: "Returns",
        is_public: true,
        default_language: "en",
        texts: {
          en: {
            title: "How returns work",
            body: "Send it back within **30 days**.\n\n1. Print the label from your order.\n2. Hand the parcel in.\n\nThe money is with you within a week.",
          },
        },
      })
    ).id;
  return { rule, macro, article };
}

async function once(path: string, name: string, body: () => object): Promise<string> {
  const known = (await api<Listed>(path)).items.find((one) => one.name === name);
  return known?.id ?? (await post<{ id: string }>(path.split("?")[0] ?? path, { name, ...body() })).id;
}
