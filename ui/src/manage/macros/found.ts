// Macros that were searched for: the one that is called so comes first.

/** Those of exactly the searched name, then those whose name begins with it, then the others; each as they were. */
export function byName<M extends { name: string }>(found: M[], searched: string): M[] {
  const wanted = plain(searched);
  if (wanted === "") return found;
  const rank = ({ name }: M) => (plain(name) === wanted ? 0 : plain(name).startsWith(wanted) ? 1 : 2);
  return found.toSorted((one, other) => rank(one) - rank(other));
}

const plain = (text: string) => text.trim().toLowerCase();
