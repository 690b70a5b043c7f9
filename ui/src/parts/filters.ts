// Filters of a list: texts in the address, so that a list can be sent to somebody and the back button works.

import { useNavigate, useSearch } from "@tanstack/react-router";

export function useFilters(): [Record<string, string>, (changes: Record<string, string | null>) => void] {
  const filters = useSearch({ strict: false }) as Record<string, string>;
  const navigate = useNavigate();
  const change = (changes: Record<string, string | null>) => {
    const next = { ...filters };
    for (const [name, value] of Object.entries(changes)) {
      if (value === null || value === "") delete next[name];
      else next[name] = value;
    }
    void navigate({ to: ".", search: next as never, replace: true });
  };
  return [filters, change];
}
