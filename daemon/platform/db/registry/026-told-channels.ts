export const sql = `
-- who was told that it opened, and the quiet hours of its rule then: {"channels":[1],"quietHours":null}
ALTER TABLE incidents ADD COLUMN told_to TEXT;
-- why its rule stopped watching it; NULL = it is open, or the problem was over
ALTER TABLE incidents ADD COLUMN unwatched TEXT;
-- an end that an earlier version forgot to tell is news only for a day
UPDATE incidents SET told = 'closed'
  WHERE told <> 'closed' AND closed_at < strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-1 day');
UPDATE incidents SET told_to = json_object(
  'channels', json((
    SELECT json_group_array(c.id) FROM alert_channels c
    WHERE (c.fields_json ->> 'minSeverity' = 'warning' OR told = 'critical') AND c.id IN (
      SELECT value FROM json_each(coalesce(
        (SELECT nullif(fields_json -> 'channels', 'null') FROM alert_rules WHERE id = rule_id),
        (SELECT json_group_array(id) FROM alert_channels)
      ))
    )
  )),
  'quietHours', json((SELECT fields_json -> 'quietHours' FROM alert_rules WHERE id = rule_id))
) WHERE told <> 'closed';
`;
