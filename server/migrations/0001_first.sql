-- Configuration: small tables, read into memory when configuration.version changes.

create table configuration (
  only_row boolean primary key default true check (only_row), -- one version for the whole installation
  version bigint not null default 1,
  installed_at timestamptz not null default now(),
  home text -- the cluster and database that it was written in last: a restored copy finds another
);
insert into configuration default values;

create function configuration_changed() returns trigger language plpgsql as $$
begin
  update configuration set version = version + 1;
  return null;
end $$;

create table accounts (
  account int generated always as identity primary key,
  sid text not null unique,
  parent int references accounts,
  friendly_name text not null,
  status text not null check (status in ('active', 'suspended', 'closed')),
  is_test boolean not null default false, -- test credentials: nothing is stored or sent
  auth_token bytea not null, -- sealed
  when_unknown text not null default 'resend' check (when_unknown in ('resend', 'hold')),
  segments_per_second int check (segments_per_second > 0), -- of all its senders together; null: no such limit
  quiet_hours text not null default 'defer' check (quiet_hours in ('defer', 'refuse')), -- marketing texts in them
  default_priority smallint not null default 2 check (default_priority between 0 and 3),
  created_at timestamptz not null,
  updated_at timestamptz not null
);

create table api_keys (
  sid text primary key,
  account int not null references accounts,
  friendly_name text not null,
  secret_sha256 bytea not null,
  created_at timestamptz not null,
  updated_at timestamptz not null
);
create index on api_keys (account, sid);

create table connectors (
  name text primary key,
  kind text not null check (kind in ('smpp', 'twilio', 'http', 'simulator')), -- a simulator is never a route beside a real carrier
  carrier_account text not null, -- scope of the carrier's message ids
  settings bytea not null, -- sealed JSON: it holds the password
  opt_outs_upstream boolean not null default false, -- the carrier answers STOP and HELP itself
  is_enabled boolean not null default true,
  name_segments_per_second real check (name_segments_per_second > 0), -- of an alphanumeric sender; null: it carries none
  created_at timestamptz not null,
  updated_at timestamptz not null
);

-- Messaging services: senders and rules under one sid.
create table services (
  service text primary key, -- MG…
  account int not null references accounts,
  friendly_name text not null,
  inbound_request_url text,
  inbound_method text not null check (inbound_method in ('GET', 'POST')),
  fallback_url text,
  fallback_method text not null check (fallback_method in ('GET', 'POST')),
  status_callback text,
  use_inbound_webhook_on_number boolean not null,
  sticky_sender boolean not null,
  area_code_geomatch boolean not null,
  smart_encoding boolean not null,
  validity_period int not null check (validity_period between 1 and 36000),
  usecase text not null,
  default_priority smallint check (default_priority between 0 and 3), -- null: the account's
  kept jsonb not null, -- what Twilio's clients set and read back, and nothing here depends on
  created_at timestamptz not null,
  updated_at timestamptz not null,
  unique (service, account)
);
create index on services (account, service);

-- By which connector texts go, beside the one that their sender came from.
create table routes (
  name text primary key,
  connector text not null references connectors,
  priority int not null check (priority between 0 and 1000), -- the lowest is asked first
  percentage real not null check (percentage between 0 and 100), -- of the recipients
  senders text[] not null, -- empty: any
  countries text[] not null, -- of the recipient; empty: any
  prefixes text[] not null, -- of the recipient's number; empty: any
  networks text[] not null, -- of the recipient, MCC and MNC; empty: any
  is_enabled boolean not null default true,
  created_at timestamptz not null,
  updated_at timestamptz not null
);

-- Which network phones are in, as the operator knows it.
create table number_ranges (
  prefix text primary key check (prefix ~ '^\+[1-9]\d{0,14}$'), -- the longest counts
  network text not null check (network ~ '^\d{5,6}$'), -- MCC and MNC
  name text not null, -- as price lists call its carrier
  change bigint generated always as identity -- another one whenever the row is stored
);

-- Every sender that a connector can carry. One account holds it, or nobody.
create table inventory (
  number text primary key, -- E.164 with plus; the digits of a short code
  kind text not null check (kind in ('long_code', 'toll_free', 'short_code')),
  country text not null check (country ~ '^[A-Z]{2}$'),
  connector text not null references connectors,
  segments_per_second real not null check (segments_per_second > 0),
  max_queue_seconds int not null default 14400 check (max_queue_seconds between 1 and 36000),
  can_mms boolean not null default false,
  sid text unique, -- PN… or SC…, new at every claim
  account int references accounts,
  service text, -- one at most
  in_service_since timestamptz,
  friendly_name text not null default '',
  sms_url text not null default '',
  sms_method text not null default 'POST' check (sms_method in ('GET', 'POST')),
  sms_fallback_url text not null default '',
  sms_fallback_method text not null default 'POST' check (sms_fallback_method in ('GET', 'POST')),
  created_at timestamptz not null,
  updated_at timestamptz not null,
  check ((sid is null) = (account is null)), -- a free number has no resource
  check (service is null or account is not null), -- else the foreign key would not look at it
  foreign key (service, account) references services (service, account) on delete set null (service)
);
create index on inventory (account, sid) where account is not null;
create index on inventory (service) where service is not null;
create index on inventory (country, kind, number) where account is null;

-- What United States carriers have registered: a long code's campaign, a toll-free number's verification.
create table registrations (
  number text primary key references inventory on delete cascade,
  campaign text not null, -- the registry's id, or the verification's
  brand text not null,
  class text not null, -- the carriers' class for its messages
  status text not null check (status in ('pending', 'active', 'suspended')),
  updated_at timestamptz not null
);

-- What carriers take of a campaign in a second, and of a brand in a day, whichever number sends it.
create table registration_limits (
  kind text not null check (kind in ('campaign', 'brand')),
  id text not null, -- as registrations name it
  segments_per_second real check (segments_per_second > 0),
  segments_per_day int check (segments_per_day > 0),
  updated_at timestamptz not null,
  primary key (kind, id),
  check ((kind = 'campaign') = (segments_per_second is not null)), -- each kind has its own measure
  check ((kind = 'brand') = (segments_per_day is not null))
);

-- What a segment costs from an instant on, in millionths of a dollar.
create table prices (
  price int generated always as identity primary key,
  connector text not null references connectors on delete cascade,
  country text not null check (country ~ '^([A-Z]{2}|\*)$'), -- *: every country without a line of its own
  carrier text not null, -- empty: every carrier
  valid_from timestamptz not null,
  micros bigint not null check (micros >= 0),
  unique (connector, country, carrier, valid_from)
);

-- What an account may spend in a day, UTC, on texts to a country.
create table spend_caps (
  account int not null references accounts,
  country text not null check (country ~ '^([A-Z]{2}|\*)$'), -- *: all countries together
  daily_micros bigint not null check (daily_micros > 0),
  over text not null check (over in ('refuse', 'defer')), -- what becomes of a queued text beyond it
  updated_at timestamptz not null,
  primary key (account, country)
);

-- How much of a cap processes have taken to spend, in blocks; what they do not spend they give back.
create table spend_days (
  account int not null,
  country text not null,
  day date not null,
  taken_micros bigint not null check (taken_micros >= 0),
  primary key (account, country, day)
) with (fillfactor = 50);

-- What an account may text where it has said so; else what its parent may, and where its own senders are.
create table geo_permissions (
  account int not null references accounts,
  country text not null check (country ~ '^[A-Z]{2}$'),
  is_enabled boolean not null,
  updated_at timestamptz not null,
  primary key (account, country)
);

-- Numbers that geo permissions never stop; without its last three digits one stands for a thousand.
create table safe_list (
  account int not null references accounts,
  prefix text not null,
  sid text not null unique,
  created_at timestamptz not null,
  primary key (account, prefix)
);

-- Names that a service sends from where the recipient's country takes them.
create table alpha_senders (
  sid text primary key, -- AI…
  service text not null references services on delete cascade,
  name text not null check (length(name) between 1 and 11),
  country text check (country ~ '^[A-Z]{2}$'), -- null: every country
  created_at timestamptz not null,
  unique nulls not distinct (service, name, country)
);

-- Opt-out, opt-in and help words of a service, and their replies, beside the built-in ones.
create table keyword_sets (
  service text not null references services on delete cascade,
  kind text not null check (kind in ('stop', 'start', 'help')),
  language text not null,
  country text not null check (country ~ '^([A-Z]{2}|ALL)$'), -- of the phone
  keywords text[] not null,
  reply text check (length(reply) between 1 and 320), -- null: as the next wider set says
  primary key (service, kind, language, country)
);

create trigger configuration_changed after insert or update or delete or truncate on accounts
  for each statement execute function configuration_changed();
create trigger configuration_changed after insert or update or delete or truncate on api_keys
  for each statement execute function configuration_changed();
create trigger configuration_changed after insert or update or delete or truncate on connectors
  for each statement execute function configuration_changed();
create trigger configuration_changed after insert or update or delete or truncate on routes
  for each statement execute function configuration_changed();
create trigger configuration_changed after insert or update or delete or truncate on number_ranges
  for each statement execute function configuration_changed();
create trigger configuration_changed after insert or update or delete or truncate on inventory
  for each statement execute function configuration_changed();

create trigger configuration_changed after insert or update or delete or truncate on registrations
  for each statement execute function configuration_changed();
create trigger configuration_changed after insert or update or delete or truncate on registration_limits
  for each statement execute function configuration_changed();
create trigger configuration_changed after insert or update or delete or truncate on spend_caps
  for each statement execute function configuration_changed();
create trigger configuration_changed after insert or update or delete or truncate on prices
  for each statement execute function configuration_changed();
create trigger configuration_changed after insert or update or delete or truncate on geo_permissions
  for each statement execute function configuration_changed();
create trigger configuration_changed after insert or update or delete or truncate on safe_list
  for each statement execute function configuration_changed();
create trigger configuration_changed after insert or update or delete or truncate on services
  for each statement execute function configuration_changed();
create trigger configuration_changed after insert or update or delete or truncate on alpha_senders
  for each statement execute function configuration_changed();
create trigger configuration_changed after insert or update or delete or truncate on keyword_sets
  for each statement execute function configuration_changed();

-- What a recipient got its texts of a service from last, and gets them from again.
create table sticky_senders (
  account int not null references accounts,
  service text not null,
  recipient text not null,
  sender text not null,
  used_on date not null,
  primary key (account, service, recipient)
);
create index on sticky_senders (used_on);

-- Outlives every retention: a STOP holds until the recipient takes it back.
create table opt_outs (
  account int not null references accounts,
  pool text not null,
  recipient text not null,
  source text not null check (source in ('keyword', 'api', 'import', 'carrier')),
  keyword text,
  opted_out_at timestamptz not null,
  primary key (account, pool, recipient)
);

-- Writer slots and the rights of readers. All times of leases, owners and quotas are the database's clock.
create table leases (
  kind text not null,
  number int not null,
  owner text not null,
  epoch bigint not null,
  expires_at timestamptz not null,
  primary key (kind, number)
);

-- The processes that send now. Anyone may delete a row that has expired, and only with it does what
-- that process held become free: a heartbeat that comes too late finds no row and knows.
create table owners (
  owner text primary key,
  expires_at timestamptz not null
) with (fillfactor = 50);

create table shards (
  shard smallint primary key,
  owner text references owners, -- null: free
  epoch bigint not null default 0, -- rises at each change of owner
  freed_at timestamptz -- when the last owner's right ended; null: owned, or never was
);
insert into shards (shard) select generate_series(0, 255);

-- Shares of limits that several owners use at once. Those of a key never sum to more than its limit.
create table quotas (
  key text not null,
  owner text references owners, -- null: its owner has ended
  segments_per_second int not null check (segments_per_second >= 0),
  window_ms int not null, -- of its limiter: so long what was sent under it counts
  free_at timestamptz, -- counts until then, because its owner may have sent a moment ago
  unique (key, owner),
  check ((owner is null) = (free_at is not null)) -- a share is somebody's, or on its way back
);

-- What processes may send of a limit's day, and what they have claimed of it: each in a row of its
-- own, so that no claim waits for another process. What is granted of a key never sums to more than its limit.
create table day_shares (
  key text not null,
  day date not null, -- of the limit's zone
  owner text not null,
  granted int not null,
  used int not null default 0 check (used >= 0),
  primary key (key, day, owner),
  check (used <= granted) -- else a process whose right has ended would claim what others may send
) with (fillfactor = 50);

-- Depth of a lane = accepted - departed, in segments: exact with any number of acceptors.
create table lanes (
  shard smallint not null,
  lane int generated always as identity,
  account int not null,
  pool text not null, -- the sender's number, or a messaging service's sid
  sender text not null, -- empty: what waits for the choice of a messaging service's sender
  accepted bigint not null default 0,
  paused_by text, -- the account that paused it: nothing leaves; null: not paused
  drained_by text, -- the account that drains it: it takes no new messages; null: it takes them
  primary key (shard, lane),
  -- The shard comes last, so that a look-up by shard and lane takes the key and not this.
  unique (account, pool, sender, shard)
) with (fillfactor = 50);
create index on lanes (shard) where paused_by is not null; -- read by every owner each second

-- A table of its own, so that acceptors and the owner never wait for each other's commits.
create table lane_departures (
  shard smallint not null,
  lane int not null,
  departed bigint not null default 0 check (departed >= 0), -- more came back than ever left
  primary key (shard, lane)
) with (fillfactor = 50);

-- What owners see of the lanes that they send for: written each second, so only the last seconds count.
create unlogged table lane_reports (
  shard smallint not null,
  lane int not null,
  reported_at timestamptz not null,
  report jsonb not null,
  primary key (shard, lane)
) with (fillfactor = 50);

-- How connectors stand in each process that runs them: written each second, so only the last seconds count.
create unlogged table connector_states (
  connector text not null,
  owner text not null,
  told_at timestamptz not null,
  state jsonb not null,
  primary key (connector, owner)
) with (fillfactor = 50);

-- A message's status is, in this order: its outcome's; 'sending' with a claim; 'queued' with a row
-- in queue, or in later unless that waits for a schedule ('scheduled'); 'accepted' instead of 'queued'
-- as long as it has no sender.

create table messages (
  shard smallint not null,
  id bigint not null,
  day date not null, -- the day of the id
  account int not null,
  lane int, -- null: inbound
  direction text not null check (direction in ('outbound-api', 'outbound-reply', 'inbound')),
  sender text not null, -- empty until one of a messaging service's is chosen
  recipient text not null,
  body text not null,
  encoding text not null check (encoding in ('GSM-7', 'UCS-2')),
  segments smallint not null check (segments between 0 and 255),
  priority smallint not null check (priority between 0 and 3),
  valid_until timestamptz,
  status_callback text,
  is_simulated boolean not null,
  options jsonb, -- rare: service, provideFeedback, tags
  primary key (shard, id, day)
) partition by range (day);
-- Rising, though lists read them backwards: new entries stand at an end of their own, whose pages fill up.
create index on messages (account, id);
create index on messages (account, recipient, id);
create index on messages (account, sender, id);

create table queue (
  shard smallint not null,
  lane int not null,
  priority smallint not null,
  id bigint not null,
  attempt smallint not null,
  segments smallint not null,
  valid_until timestamptz not null,
  connector text, -- the only one that may carry it: an earlier attempt may have left by it
  primary key (shard, lane, priority, id)
) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 5000);
-- Only texts that are valid for less than ten hours (35,700 s, counted from the id's instant) can end behind
-- others that have not; the usual ones, which are most, cost no entry.
create index on queue (shard, valid_until)
  where valid_until < to_timestamp(((id >> 22) + 1704102900000) / 1000.0);

create table later (
  shard smallint not null,
  due_at timestamptz not null,
  id bigint not null,
  why text not null,
  lane int not null,
  priority smallint not null,
  attempt smallint not null,
  segments smallint not null,
  valid_until timestamptz not null,
  connector text, -- as in queue
  primary key (shard, due_at, id)
);
create index on later (shard, id);

create table claims (
  shard smallint not null,
  id bigint not null,
  lane int not null,
  priority smallint not null,
  attempt smallint not null,
  segments smallint not null,
  valid_until timestamptz not null,
  connector text not null,
  owner text not null,
  epoch bigint not null,
  claimed_at timestamptz not null,
  held_because text, -- its carrier may have it already: somebody decides
  due_at timestamptz, -- held out of later: when it was due there
  due_why text,
  primary key (shard, id),
  check (held_because is not null or due_at is null),
  check ((due_at is null) = (due_why is null))
) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 5000);

create table submissions (
  shard smallint not null,
  id bigint not null,
  part smallint not null,
  attempt smallint not null,
  day date not null, -- the day of the submission
  parts smallint not null,
  connector text not null,
  carrier_account text not null,
  carrier_message_id text, -- as the carrier wrote it; null: refused
  carrier_key text, -- normalised: a receipt is found by it
  answer text not null, -- accepted, refused, throttled, unavailable, unknown
  carrier_code text, -- raw
  submitted_at timestamptz not null,
  receipt_status text,
  receipt_code text,
  receipt_at timestamptz
) partition by range (day);
-- No index holds the day, so that no plan can look a receipt up by it: docs/decisions/0022.
-- One row per (shard, id, part, attempt) is what recordDepartures sees to.
create index on submissions (shard, id);
create index on submissions (carrier_account, carrier_key);

create table outcomes (
  shard smallint not null,
  id bigint not null,
  day date not null, -- the day of the id
  status text not null check (status in
    ('sending', 'sent', 'delivered', 'undelivered', 'failed', 'canceled', 'receiving', 'received')),
  error_code int,
  price_micros bigint,
  connector text,
  sent_at timestamptz,
  updated_at timestamptz not null,
  primary key (shard, id, day)
) partition by range (day);

create table feedback (
  shard smallint not null,
  id bigint not null,
  account int not null,
  outcome text not null check (outcome in ('confirmed', 'unconfirmed')),
  created_at timestamptz not null,
  updated_at timestamptz not null,
  primary key (shard, id)
);

-- The event log. A writer numbers its own events and commits them in order; a reader keeps one
-- position per writer. Never a body here.
create table writers (
  writer bigint generated always as identity primary key,
  owner text not null,
  opened_at timestamptz not null default now(),
  seen_at timestamptz not null default now(),
  is_closed boolean not null default false
);

create table events (
  writer bigint not null,
  seq bigint not null,
  day date not null,
  at timestamptz not null,
  kind text not null,
  account int not null,
  id bigint not null, -- the message; of 'accepted' the first of those in data's ids
  data jsonb not null,
  primary key (writer, seq, day)
) partition by range (day);
create index on events (id, writer, seq);

create table cursors (
  reader text not null,
  writer bigint not null,
  seq bigint not null,
  day date not null, -- of that event: the reader need not look into older partitions
  is_done boolean not null default false, -- the writer is closed and read to its end
  primary key (reader, writer)
);

-- What accounts sent and received, summed from the event log. Kept for good: a few rows a day.
create table usage_days (
  account int not null,
  day date not null, -- UTC, on which a text left or came
  direction text not null check (direction in ('inbound', 'outbound')),
  sender text not null check (sender in ('longcode', 'shortcode')),
  messages bigint not null,
  segments bigint not null,
  price_micros bigint not null,
  primary key (account, day, direction, sender)
) with (fillfactor = 50);

-- Until when usage_days has everything. Who sums locks it.
create table usage_progress (
  only_row boolean primary key default true check (only_row),
  counted_until timestamptz not null
) with (fillfactor = 50);
insert into usage_progress (counted_until) values (now());

-- Who is called when usage reaches a value.
create table usage_triggers (
  sid text primary key, -- UT…
  account int not null references accounts,
  category text not null,
  trigger_by text not null check (trigger_by in ('count', 'usage', 'price')),
  trigger_micros bigint not null check (trigger_micros > 0), -- millionths, of dollars or of whatever is counted
  recurring text check (recurring in ('daily', 'monthly', 'yearly', 'alltime')), -- null: as alltime
  friendly_name text not null,
  callback_url text not null,
  callback_method text not null check (callback_method in ('GET', 'POST')),
  callback_host text not null,
  fired_at timestamptz,
  created_at timestamptz not null,
  updated_at timestamptz not null
);
create index on usage_triggers (account, sid);

-- Webhooks that failed or found their host busy wait here; inbound webhooks start here.
create table retries (
  retry bigint generated always as identity primary key,
  due_at timestamptz not null,
  host text not null,
  kind text not null check (kind in ('status', 'inbound', 'replay', 'usage')), -- replay: inbound again, its TwiML not run
  account int not null,
  id bigint not null, -- the message; 0: of none
  attempt smallint not null,
  first_at timestamptz not null,
  data jsonb not null
);
create index on retries (due_at);
create unique index on retries (id) where kind = 'inbound'; -- one inbound webhook a message

create table callback_attempts (
  id bigint not null,
  day date not null, -- the day of the attempt
  at timestamptz not null,
  account int not null,
  kind text not null,
  about text not null, -- the status told, or 'inbound'
  attempt smallint not null,
  url text not null,
  http_status smallint,
  error text,
  duration_ms int not null
) partition by range (day);
create index on callback_attempts (id, at);

-- Receipts that came before the answer to their submission.
create table parked_receipts (
  parked bigint generated always as identity primary key,
  carrier_account text not null,
  carrier_key text not null,
  due_at timestamptz not null,
  tries smallint not null,
  received_at timestamptz not null,
  receipt jsonb not null
);
create index on parked_receipts (due_at);

-- Parts of a long inbound text until the last one comes.
create table inbound_parts (
  carrier_account text not null,
  sender text not null,
  recipient text not null,
  reference int not null,
  total smallint not null,
  part smallint not null,
  body text not null,
  received_at timestamptz not null,
  primary key (carrier_account, sender, recipient, reference, total, part)
);
create index on inbound_parts (received_at);

-- Texts and parts that are stored while the carrier may not have our answer: it brings them again.
create table unanswered_texts (
  unanswered bigint generated always as identity primary key,
  carrier_account text not null,
  text_sha256 bytea not null, -- of addresses, text and place in a long one: the body is not kept twice
  bind uuid not null, -- the connection that it came on last
  reply jsonb, -- the answer to its keyword, with the id that it is accepted under
  received_at timestamptz not null,
  expires_at timestamptz not null
);
create index on unanswered_texts (carrier_account, text_sha256);
create index on unanswered_texts (expires_at);

create table idempotency_keys (
  account int not null,
  key text not null,
  request_sha256 bytea not null,
  message bigint, -- the first id reserved for what is accepted under it; null: it accepts nothing
  response_status smallint, -- null: in flight
  response_body text,
  created_at timestamptz not null,
  taken_at timestamptz not null, -- by who works on it now; -infinity: nobody does
  primary key (account, key)
);
create index on idempotency_keys (created_at);
