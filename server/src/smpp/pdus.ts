/** SMPP 3.4, section 5.1.2.1: command ids. A response has the top bit set. */
export const commands = {
  generic_nack: 0x80000000,
  bind_receiver: 0x00000001,
  bind_receiver_resp: 0x80000001,
  bind_transmitter: 0x00000002,
  bind_transmitter_resp: 0x80000002,
  query_sm: 0x00000003,
  query_sm_resp: 0x80000003,
  submit_sm: 0x00000004,
  submit_sm_resp: 0x80000004,
  deliver_sm: 0x00000005,
  deliver_sm_resp: 0x80000005,
  unbind: 0x00000006,
  unbind_resp: 0x80000006,
  replace_sm: 0x00000007,
  replace_sm_resp: 0x80000007,
  cancel_sm: 0x00000008,
  cancel_sm_resp: 0x80000008,
  bind_transceiver: 0x00000009,
  bind_transceiver_resp: 0x80000009,
  outbind: 0x0000000b,
  enquire_link: 0x00000015,
  enquire_link_resp: 0x80000015,
  submit_multi: 0x00000021,
  submit_multi_resp: 0x80000021,
  alert_notification: 0x00000102,
  data_sm: 0x00000103,
  data_sm_resp: 0x80000103,
} as const;

export type CommandName = keyof typeof commands;

export const RESPONSE_BIT = 0x80000000;

export const commandNames: ReadonlyMap<number, CommandName> = new Map(
  Object.entries(commands).map(([name, id]) => [id, name as CommandName]),
);

export function isResponse(command: CommandName): boolean {
  return (commands[command] & RESPONSE_BIT) !== 0;
}

/** The name of a request's response; nothing for what is never answered. */
export function responseTo(command: CommandName): CommandName | undefined {
  return commandNames.get((commands[command] | RESPONSE_BIT) >>> 0);
}

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
  invalidMessageId: 0x0c,
  bindFailed: 0x0d,
  invalidPassword: 0x0e,
  invalidSystemId: 0x0f,
  cancelFailed: 0x11,
  replaceFailed: 0x13,
  queueFull: 0x14,
  invalidListName: 0x34,
  submitFailed: 0x45,
  throttled: 0x58,
  invalidScheduleTime: 0x61,
  invalidExpiry: 0x62,
  temporaryAppError: 0x64,
  permanentAppError: 0x65,
  rejectedByApp: 0x66,
  invalidTlvStream: 0xc0,
} as const;

/** Section 5.3.2: optional parameters, all of 3.4 and those of 5.0 that carriers use. */
export const tlvs = {
  dest_addr_subunit: 0x0005,
  dest_network_type: 0x0006,
  dest_bearer_type: 0x0007,
  dest_telematics_id: 0x0008,
  source_addr_subunit: 0x000d,
  source_network_type: 0x000e,
  source_bearer_type: 0x000f,
  source_telematics_id: 0x0010,
  qos_time_to_live: 0x0017,
  payload_type: 0x0019,
  additional_status_info_text: 0x001d,
  receipted_message_id: 0x001e,
  ms_msg_wait_facilities: 0x0030,
  privacy_indicator: 0x0201,
  source_subaddress: 0x0202,
  dest_subaddress: 0x0203,
  user_message_reference: 0x0204,
  user_response_code: 0x0205,
  source_port: 0x020a,
  destination_port: 0x020b,
  sar_msg_ref_num: 0x020c,
  language_indicator: 0x020d,
  sar_total_segments: 0x020e,
  sar_segment_seqnum: 0x020f,
  sc_interface_version: 0x0210,
  callback_num_pres_ind: 0x0302,
  callback_num_atag: 0x0303,
  number_of_messages: 0x0304,
  callback_num: 0x0381,
  dpf_result: 0x0420,
  set_dpf: 0x0421,
  ms_availability_status: 0x0422,
  network_error_code: 0x0423,
  message_payload: 0x0424,
  delivery_failure_reason: 0x0425,
  more_messages_to_send: 0x0426,
  message_state: 0x0427,
  congestion_state: 0x0428,
  ussd_service_op: 0x0501,
  billing_identification: 0x060b,
  display_time: 0x1201,
  sms_signal: 0x1203,
  ms_validity: 0x1204,
  alert_on_message_delivery: 0x130c,
  its_reply_type: 0x1380,
  its_session_info: 0x1383,
} as const;

/** By tag; vendors' own are 0x1400 to 0x3fff. Of a tag that comes twice, the last counts. */
export type Tlvs = ReadonlyMap<number, Buffer>;
export const noTlvs: Tlvs = new Map();

type Header<Name extends CommandName> = {
  readonly command: Name;
  readonly sequence: number;
  readonly status: number;
};

export type BindName = "bind_receiver" | "bind_transmitter" | "bind_transceiver";
export type BindRequest = Header<BindName> & {
  readonly systemId: string;
  readonly password: string;
  readonly systemType: string;
  readonly interfaceVersion: number;
  /** The addresses that an ESME serves (section 5.2.7); empty leaves it to the carrier. */
  readonly addressTon?: number;
  readonly addressNpi?: number;
  readonly addressRange?: string;
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

/** Section 4.7.1: a message for devices, its text always in message_payload. */
export type DataSm = Header<"data_sm"> &
  Pick<
    ShortMessage,
    | ("serviceType" | "sourceTon" | "sourceNpi" | "source" | "destTon" | "destNpi" | "dest")
    | ("esmClass" | "registeredDelivery" | "dataCoding" | "tlvs")
  >;

export type MessageResponseName = "submit_sm_resp" | "deliver_sm_resp" | "data_sm_resp";
/** Carriers send error responses as a header alone: then `messageId` is empty. */
export type MessageResponse = Header<MessageResponseName> & {
  readonly messageId: string;
  readonly tlvs?: Tlvs;
};
export type BindResponse = Header<`${BindName}_resp`> & {
  readonly systemId: string;
  readonly tlvs?: Tlvs;
};
export type Outbind = Header<"outbind"> & { readonly systemId: string; readonly password: string };

export type Destination =
  | {
      readonly kind: "address";
      readonly ton: number;
      readonly npi: number;
      readonly address: string;
    }
  | { readonly kind: "list"; readonly name: string };
export type SubmitMulti = Header<"submit_multi"> &
  Omit<ShortMessage, "destTon" | "destNpi" | "dest"> & {
    readonly destinations: readonly Destination[];
  };
export type Unsuccess = {
  readonly ton: number;
  readonly npi: number;
  readonly address: string;
  readonly status: number;
};
export type SubmitMultiResponse = Header<"submit_multi_resp"> & {
  readonly messageId: string;
  readonly unsuccesses: readonly Unsuccess[];
};

type Source = Pick<ShortMessage, "sourceTon" | "sourceNpi" | "source">;
type Dest = Pick<ShortMessage, "destTon" | "destNpi" | "dest">;
export type QuerySm = Header<"query_sm"> & Source & { readonly messageId: string };
export type QuerySmResponse = Header<"query_sm_resp"> & {
  readonly messageId: string;
  readonly finalDate: string;
  readonly messageState: number;
  readonly errorCode: number;
};
export type CancelSm = Header<"cancel_sm"> &
  Source &
  Dest & { readonly serviceType: string; readonly messageId: string };
export type ReplaceSm = Header<"replace_sm"> &
  Source &
  Pick<
    ShortMessage,
    "scheduleTime" | "validityPeriod" | "registeredDelivery" | "defaultMsgId" | "shortMessage"
  > & { readonly messageId: string };
export type AlertNotification = Header<"alert_notification"> &
  Source & {
    readonly esmeTon: number;
    readonly esmeNpi: number;
    readonly esme: string;
    readonly tlvs: Tlvs;
  };
export type Plain = Header<
  | ("generic_nack" | "unbind" | "unbind_resp" | "enquire_link" | "enquire_link_resp")
  | ("cancel_sm_resp" | "replace_sm_resp")
>;

export type Pdu =
  | (BindRequest | BindResponse | Outbind | SubmitSm | DeliverSm | DataSm | MessageResponse)
  | (SubmitMulti | SubmitMultiResponse | QuerySm | QuerySmResponse | CancelSm | ReplaceSm)
  | (AlertNotification | Plain);

/** A message's fields that are zero or empty unless somebody says otherwise. */
export const emptyMessage: ShortMessage = {
  ...{ serviceType: "", sourceTon: 0, sourceNpi: 0, source: "", destTon: 0, destNpi: 0, dest: "" },
  ...{ esmClass: 0, protocolId: 0, priority: 0, scheduleTime: "", validityPeriod: "" },
  ...{ registeredDelivery: 0, replaceIfPresent: 0, dataCoding: 0, defaultMsgId: 0 },
  ...{ shortMessage: Buffer.alloc(0), tlvs: noTlvs },
};
