/** `err` of Vonage's receipts, by its list of delivery error codes. */
const vonageErrors = {
  ...{ "1": 30008, "2": 30003, "3": 30005, "4": 30004, "5": 30008, "6": 30007, "7": 30003 },
  ...{ "8": 30008, "9": 30005, "10": 30008, "11": 30005, "12": 30005, "13": 30004, "14": 30004 },
  ...{ "15": 30008, "16": 30008, "50": 30007, "51": 30007, "52": 30007, "53": 30004 },
  ...{ "54": 30007, "99": 30008 },
};

/** What providers ask for in their own documents; everything else stays as it is by default. */
export const presets = [
  {
    name: "rakuten",
    settings: { window: 20, enquireLinkMs: 20_000, responseTimeoutMs: 30_000, tls: true },
  },
  { name: "vibes", settings: { enquireLinkMs: 30_000, responseTimeoutMs: 10_000 } },
  // 30 a second unless agreed otherwise.
  {
    name: "vonage",
    settings: { receiptIds: "auto", segmentsPerSecond: 30, errorCodes: vonageErrors },
  },
  // What Kannel's user guide advises, and what most SMSCs were tried with.
  { name: "kannel", settings: { window: 10, enquireLinkMs: 30_000, responseTimeoutMs: 60_000 } },
] as const;
