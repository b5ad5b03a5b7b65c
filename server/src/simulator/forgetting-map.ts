/**
 * A map that forgets in halves: what was put before the last turn but one is gone. To take the oldest
 * out of a large Map whenever one is put costs 10 to 60 us, more than all else that a text costs here.
 */
export type ForgettingMap<Key, Value> = {
  readonly get: (key: Key) => Value | undefined;
  readonly put: (key: Key, value: Value) => void;
  /** What was put since the last turn, and between that and the one before. */
  readonly newer: () => ReadonlyMap<Key, Value>;
  readonly older: () => ReadonlyMap<Key, Value>;
  readonly turn: () => void;
};

export function createForgettingMap<Key, Value>(): ForgettingMap<Key, Value> {
  let newer = new Map<Key, Value>();
  let older = new Map<Key, Value>();
  return {
    get: (key) => newer.get(key) ?? older.get(key),
    put: (key, value) => {
      newer.set(key, value);
    },
    newer: () => newer,
    older: () => older,
    turn: () => {
      older = newer;
      newer = new Map();
    },
  };
}
