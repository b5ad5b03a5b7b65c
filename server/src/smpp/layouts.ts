import type { CommandName } from "./pdus.ts";

/**
 * How a field lies in a body: `text` ends with a NUL, `octets` begin with their length in one byte,
 * `tlvs` fill the rest. `destinations` and `unsuccesses` are submit_multi's lists (section 4.5).
 */
export type FieldKind = ("text" | "byte" | "octets" | "tlvs") | ("destinations" | "unsuccesses");
export type Layout = readonly (readonly [name: string, kind: FieldKind])[];

const source: Layout = [
  ["sourceTon", "byte"],
  ["sourceNpi", "byte"],
  ["source", "text"],
];
const dest: Layout = [
  ["destTon", "byte"],
  ["destNpi", "byte"],
  ["dest", "text"],
];
const afterAddresses: Layout = [
  ["esmClass", "byte"],
  ["protocolId", "byte"],
  ["priority", "byte"],
  ["scheduleTime", "text"],
  ["validityPeriod", "text"],
  ["registeredDelivery", "byte"],
  ["replaceIfPresent", "byte"],
  ["dataCoding", "byte"],
  ["defaultMsgId", "byte"],
  ["shortMessage", "octets"],
  ["tlvs", "tlvs"],
];
const bind: Layout = [
  ["systemId", "text"],
  ["password", "text"],
  ["systemType", "text"],
  ["interfaceVersion", "byte"],
  ["addressTon", "byte"],
  ["addressNpi", "byte"],
  ["addressRange", "text"],
];
const bindResponse: Layout = [
  ["systemId", "text"],
  ["tlvs", "tlvs"],
];
const message: Layout = [["serviceType", "text"], ...source, ...dest, ...afterAddresses];
const messageResponse: Layout = [
  ["messageId", "text"],
  ["tlvs", "tlvs"],
];

/** Section 4: every body of SMPP 3.4, field by field. */
export const layouts: Record<CommandName, Layout> = {
  bind_receiver: bind,
  bind_transmitter: bind,
  bind_transceiver: bind,
  bind_receiver_resp: bindResponse,
  bind_transmitter_resp: bindResponse,
  bind_transceiver_resp: bindResponse,
  outbind: [
    ["systemId", "text"],
    ["password", "text"],
  ],
  submit_sm: message,
  deliver_sm: message,
  submit_sm_resp: messageResponse,
  deliver_sm_resp: messageResponse,
  data_sm: [
    ...([["serviceType", "text"]] as const),
    ...source,
    ...dest,
    ["esmClass", "byte"],
    ["registeredDelivery", "byte"],
    ["dataCoding", "byte"],
    ["tlvs", "tlvs"],
  ],
  data_sm_resp: messageResponse,
  submit_multi: [
    ...([["serviceType", "text"]] as const),
    ...source,
    ["destinations", "destinations"],
    ...afterAddresses,
  ],
  submit_multi_resp: [
    ["messageId", "text"],
    ["unsuccesses", "unsuccesses"],
  ],
  query_sm: [["messageId", "text"], ...source],
  query_sm_resp: [
    ["messageId", "text"],
    ["finalDate", "text"],
    ["messageState", "byte"],
    ["errorCode", "byte"],
  ],
  cancel_sm: [["serviceType", "text"], ["messageId", "text"], ...source, ...dest],
  replace_sm: [
    ...([["messageId", "text"]] as const),
    ...source,
    ["scheduleTime", "text"],
    ["validityPeriod", "text"],
    ["registeredDelivery", "byte"],
    ["defaultMsgId", "byte"],
    ["shortMessage", "octets"],
  ],
  alert_notification: [
    ...source,
    ["esmeTon", "byte"],
    ["esmeNpi", "byte"],
    ["esme", "text"],
    ["tlvs", "tlvs"],
  ],
  ...{ cancel_sm_resp: [], replace_sm_resp: [], enquire_link: [], enquire_link_resp: [] },
  ...{ unbind: [], unbind_resp: [], generic_nack: [] },
};
