// The people of the tests' shop.

import { api, post, URL } from "./api.ts";

export type Person = { email: string; name: string; role: string };

export const PASSWORD = "a long sentence for the tests alone";
export const ANN: Person = { email: "ann@desk.example", name: "Ann Moreau", role: "team_lead" };
export const BEN: Person = { email: "ben@desk.example", name: "Ben Adeyemi", role: "agent" };
export const MAY: Person = { email: "may@desk.example", name: "May Lindgren", role: "admin" };
export const PEOPLE = [ANN, BEN, MAY];

type Known = { items: { id: string; email: string; has_password: boolean }[] };

/** Invites who is not there yet; each chooses a password. */
export async function people() {
  const known = await api<Known>("/api/agents?limit=100");
  for (const person of PEOPLE) {
    if (!known.items.some((one) => one.email === person.email)) await invite(person);
  }
}

/** Somebody more, who chooses the password of all. */
export async function invite(person: Person) {
  const made = await post<{ invitation: { token: string } }>("/api/agents", person);
  const response = await fetch(`${URL}/api/auth/invitations/accept`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ token: made.invitation.token, password: PASSWORD }),
  });
  if (!response.ok) throw new Error(`the invitation: ${response.status} ${await response.text()}`);
}
