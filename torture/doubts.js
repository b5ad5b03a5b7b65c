/**
 * Lets the database itself note who may get a text twice, in the transaction that makes it so: the
 * recipients of claims that outlived the right of the process that made them. Whether that process
 * was killed, frozen or only starved by a slow machine is the same.
 */
export async function noteDoubts(sql) {
  await sql.unsafe(`
    create schema torture;
    create table torture.ended (owner text not null, at timestamptz not null);
    create table torture.doubts (recipient text not null, owner text not null);

    create function torture.note_end() returns trigger language plpgsql as $$
    begin
      insert into torture.ended (owner, at) values (old.owner, now());
      return null;
    end $$;
    create trigger torture_end after delete on owners
    for each row execute function torture.note_end();

    create function torture.note_doubt() returns trigger language plpgsql as $$
    begin
      if old.epoch = (select epoch from shards where shard = old.shard) then
        return null;
      end if;
      if exists (select from owners where owner = old.owner and expires_at > now())
        and not exists (select from torture.ended where owner = old.owner and at > old.claimed_at)
      then
        return null;
      end if;
      insert into torture.doubts (recipient, owner)
      select recipient, old.owner from messages where shard = old.shard and id = old.id;
      return null;
    end $$;
    create trigger torture_doubt after delete on claims
    for each row execute function torture.note_doubt();
  `);
}

/** All of them, and how many rights ended before their time. */
export async function notedDoubts(sql) {
  const doubts = await sql`select distinct recipient from torture.doubts`;
  const [ended] = await sql`select count(*)::int as count from torture.ended`;
  return {
    recipients: new Set(doubts.map(({ recipient }) => recipient)),
    endedCount: ended.count,
  };
}
