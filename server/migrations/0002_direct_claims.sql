-- A message that is claimed by the statement that stores it is counted neither as accepted nor as
-- departed, and as departed no more when it comes back to the queue: a lane's sum may be below nought.
alter table lane_departures drop constraint lane_departures_departed_check;
