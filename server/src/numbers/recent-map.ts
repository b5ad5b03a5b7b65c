/** Remembers what was made for the texts asked for most recently, at most `entriesMax` of them. */
export function createRecentMap<Value>(entriesMax: number) {
  // A Map keeps the order of insertion: the first entry is the one unused for longest.
  const entries = new Map<string, Value>();
  return {
    get: (text: string, make: (text: string) => Value): Value => {
      const known = entries.get(text);
      const value = known === undefined && !entries.has(text) ? make(text) : (known as Value);
      entries.delete(text);
      entries.set(text, value);
      if (entries.size > entriesMax) forgetOldest(entries);
      return value;
    },
    size: () => entries.size,
  };
}

function forgetOldest(entries: Map<string, unknown>) {
  for (const text of entries.keys()) {
    entries.delete(text);
    return;
  }
}
