/**
 * Remembers what was made for the texts asked for recently, at most `entriesMax` of them. Two
 * halves: when the newer is full the older is dropped, so that nothing is ever moved one by one;
 * deleting and setting again in a large Map costs many times a look-up.
 */
export function createRecentMap<Value>(entriesMax: number) {
  const halfMax = Math.max(1, Math.floor(entriesMax / 2));
  let newer = new Map<string, { readonly value: Value }>();
  let older = new Map<string, { readonly value: Value }>();

  return {
    get: (text: string, make: (text: string) => Value): Value => {
      const known = newer.get(text);
      if (known !== undefined) return known.value;
      const entry = older.get(text) ?? { value: make(text) };
      if (newer.size >= halfMax) {
        older = newer;
        newer = new Map();
      }
      newer.set(text, entry);
      return entry.value;
    },
    size: () => newer.size + older.size,
  };
}
