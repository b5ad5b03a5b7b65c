-- Ends a statement that has stored what a lane has no room for: with this code, nothing of it is done.
create function lanes_have_room(have_room boolean) returns boolean
language plpgsql as $$
begin
  if not have_room then
    raise exception 'A lane has no room for all of the batch.' using errcode = 'LW001';
  end if;
  return true;
end
$$;
