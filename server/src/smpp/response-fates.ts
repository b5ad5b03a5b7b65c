/**
 * What becomes of a response of ours: `written` when the operating system has it, then `heard` when
 * the far end still speaks a while later, or `lost` when the session ended before.
 */
export type ResponseFate = "written" | "heard" | "lost";

type OnFate = (fate: ResponseFate) => void;

/** A far end that speaks so long after a response was written has it: many round trips. */
const HEARD_AFTER_MS = 2_000;

/** The responses of a session whose fate somebody waits for, as a pure machine. */
export function createResponseFates() {
  let unwritten: OnFate[] = [];
  /** In the order of their writing. */
  let unheard: { readonly writtenAt: number; readonly onFate: OnFate }[] = [];
  let isOver = false;

  const tell = (heard: number) => {
    for (const { onFate } of unheard.splice(0, heard)) onFate("heard");
  };

  return {
    add: (onFate: OnFate) => {
      if (isOver) onFate("lost");
      else unwritten.push(onFate);
    },
    /** The socket was given all that was added; what this returns, if any, says when it is written. */
    flushed: (now: number) => {
      if (unwritten.length === 0) return undefined;
      const flushed = unwritten;
      unwritten = [];
      for (const onFate of flushed) unheard.push({ writtenAt: now, onFate });
      return () => {
        for (const onFate of flushed) onFate("written");
      };
    },
    spoke: (now: number) => {
      if (unheard.length === 0) return;
      const first = unheard.findIndex(({ writtenAt }) => writtenAt > now - HEARD_AFTER_MS);
      tell(first === -1 ? unheard.length : first);
    },
    /** The far end answered what was asked after all of them. */
    heard: () => tell(unheard.length),
    lost: () => {
      isOver = true;
      const lost = [...unheard.map(({ onFate }) => onFate), ...unwritten];
      unheard = [];
      unwritten = [];
      for (const onFate of lost) onFate("lost");
    },
  };
}
