// Straight to a customer, by what is known of them: a number, an address, a telephone number, a name.

import { Text, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { answer, client } from "../../api/client.ts";
import { useAct } from "../../parts/act.tsx";
import { may, sessionQuery } from "../../shell/session.ts";
import { meant } from "./known.ts";
import { TEXTS } from "./texts.ts";

/** So many are shown; of more a person types more. */
const SHOWN = 8;

export function FindCustomer() {
  const navigate = useNavigate();
  const session = useQuery(sessionQuery);
  const [typed, setTyped] = useState("");
  const go = (id: string) => void navigate({ to: "/manage/customers/$id", params: { id } });
  const find = useAct({
    run: (q: string) => answer(client.GET("/api/customers", { params: { query: { q, limit: SHOWN } } })),
    changes: [],
    onDone: ({ items }, q) => {
      const one = meant(items, q);
      if (one) go(one.id);
    },
  });
  return (
    <form
      style={{ maxWidth: 260 }}
      onSubmit={(event) => {
        event.preventDefault();
        const wanted = typed.trim();
        if (wanted === "") return;
        if (may(session.data, "customers:read")) find.mutate(wanted);
        else go(wanted);
      }}
    >
      <TextInput
        label="Customer"
        placeholder={TEXTS.find}
        maxLength={200}
        value={typed}
        onChange={(event) => {
          setTyped(event.currentTarget.value);
          find.reset();
        }}
      />
      <div role="status">
        {find.data && (
          <>
            <Text size="sm">{find.data.items.length === 0 ? TEXTS.nobody : TEXTS.several}</Text>
            <ul style={{ margin: 0, paddingLeft: 18 }}>
              {find.data.items.map((customer) => (
                <li key={customer.id} className="small">
                  <Link to="/manage/customers/$id" params={{ id: customer.id }}>
                    {customer.name ?? customer.id}
                  </Link>
                  {customer.name && customer.name !== customer.id ? ` (${customer.id})` : ""}
                </li>
              ))}
            </ul>
          </>
        )}
      </div>
    </form>
  );
}
