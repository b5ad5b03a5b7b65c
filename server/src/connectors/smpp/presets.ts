/** What providers ask for in their own documents; everything else stays as it is by default. */
export const presets = [
  {
    name: "rakuten",
    settings: { window: 20, enquireLinkMs: 20_000, responseTimeoutMs: 30_000, tls: true },
  },
  { name: "vibes", settings: { enquireLinkMs: 30_000, responseTimeoutMs: 10_000 } },
  { name: "vonage", settings: { receiptIds: "auto" } },
  // What Kannel's user guide advises, and what most SMSCs were tried with.
  { name: "kannel", settings: { window: 10, enquireLinkMs: 30_000, responseTimeoutMs: 60_000 } },
] as const;
