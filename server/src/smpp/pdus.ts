/** SMPP 3.4, section 5.1.2.1: command ids. A response has the top bit set. */
export const commands = {
  generic_nack: 0x80000000,
  bind_receiver: 0x00000001,
  bind_receiver_resp: 0x80000001,
  bind_transmitter: 0x00000002,
  bind_transmitter_resp: 0x80000002,
  submit_sm: 0x00000004,
  submit_sm_resp: 0x80000004,
  deliver_sm: 0x00000005,
  deliver_sm_resp: 0x80000005,
  unbind: 0x00000006,
  unbind_resp: 0x80000006,
  bind_transceiver: 0x00000009,
  bind_transceiver_resp: 0x80000009,
  enquire_link: 0x00000015,
  enquire_link_resp: 0x80000015,
} as const;

export type CommandName = keyof typeof commands;

export const RESPONSE_BIT = 0x80000000;

export const commandNames: ReadonlyMap<number, CommandName> = new Map(
  Object.entries(commands).map(([name, id]) => [id, name as CommandName]),
);

/** Section 5.1.3: the statuses that we write or tell apart. */
export const statuses = {
  ok: 0x00,
  invalidMessageLength: 0x01,
  invalidCommandLength: 0x02,
  invalidCommandId: 0x03,
  invalidBindStatus: 0x04,
  alreadyBound: 0x05,
  systemError: 0x08,
  invalidSource: 0x0a,
  invalidDestination: 0x0b,
  bindFailed: 0x0d,
  invalidPassword: 0x0e,
  invalidSystemId: 0x0f,
  queueFull: 0x14,
  submitFailed: 0x45,
  throttled: 0x58,
  temporaryAppError: 0x64,
  permanentAppError: 0x65,
} as const;

/** Section 5.3.2: optional parameters. */
export const tlvs = {
  receipted_message_id: 0x001e,
  message_payload: 0x0424,
  message_state: 0x0427,
  sar_msg_ref_num: 0x020c,
  sar_total_segments: 0x020e,
  sar_segment_seqnum: 0x020f,
} as const;

export type Tlvs = ReadonlyMap<number, Buffer>;

type Header<Name extends CommandName> = {
  readonly command: Name;
  readonly sequence: number;
  readonly status: number;
};

export type BindRequest = Header<"bind_receiver" | "bind_transmitter" | "bind_transceiver"> & {
  readonly systemId: string;
  readonly password: string;
  readonly systemType: string;
  readonly interfaceVersion: number;
};

/** The body of submit_sm and deliver_sm, which is the same (sections 4.4.1 and 4.6.1). */
export type ShortMessage = {
  readonly serviceType: string;
  readonly sourceTon: number;
  readonly sourceNpi: number;
  readonly source: string;
  readonly destTon: number;
  readonly destNpi: number;
  readonly dest: string;
  readonly esmClass: number;
  readonly protocolId: number;
  readonly priority: number;
  readonly scheduleTime: string;
  readonly validityPeriod: string;
  readonly registeredDelivery: number;
  readonly replaceIfPresent: number;
  readonly dataCoding: number;
  readonly defaultMsgId: number;
  readonly shortMessage: Buffer;
  readonly tlvs: Tlvs;
};

export type SubmitSm = Header<"submit_sm"> & ShortMessage;
export type DeliverSm = Header<"deliver_sm"> & ShortMessage;
export type MessageResponse = Header<"submit_sm_resp" | "deliver_sm_resp"> & {
  readonly messageId: string;
};
export type BindResponse = Header<
  "bind_receiver_resp" | "bind_transmitter_resp" | "bind_transceiver_resp"
> & { readonly systemId: string };
export type Plain = Header<
  "generic_nack" | "unbind" | "unbind_resp" | "enquire_link" | "enquire_link_resp"
>;

export type Pdu = BindRequest | SubmitSm | DeliverSm | MessageResponse | BindResponse | Plain;

/** A message's fields that are zero or empty unless somebody says otherwise. */
export const emptyMessage: ShortMessage = {
  ...{ serviceType: "", sourceTon: 0, sourceNpi: 0, source: "", destTon: 0, destNpi: 0, dest: "" },
  ...{ esmClass: 0, protocolId: 0, priority: 0, scheduleTime: "", validityPeriod: "" },
  ...{ registeredDelivery: 0, replaceIfPresent: 0, dataCoding: 0, defaultMsgId: 0 },
  ...{ shortMessage: Buffer.alloc(0), tlvs: new Map() },
};
