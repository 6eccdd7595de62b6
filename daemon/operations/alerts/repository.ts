import { filteredList, type Page } from '#daemon/platform/db/filtered-list.ts';
import type { Db } from '#daemon/platform/db/open.ts';
import { INCIDENTS_KEPT } from '#shared/limits.ts';
import type { ConditionId, Severity } from '#shared/rules/conditions.ts';
import type { ChannelKind } from '#shared/schema/alerts.ts';

export interface IncidentRow {
  id: number;
  rule_id: string;
  condition: ConditionId;
  subject: string;
  name: string;
  app: string | null;
  app_id: number | null;
  tenant_id: string | null;
  severity: Severity;
  text: string;
  team_text: string | null;
  opened_at: string;
  updated_at: string;
  closed_at: string | null;
  recovering_since: string | null;
  reopened: number;
  acknowledged_at: string | null;
  acknowledged_by: string | null;
  cause_id: number | null;
  kept_until: number | null;
  told: Severity | 'closed' | null;
  told_group: number | null;
  told_to: string | null;
  unwatched: Unwatched | null;
}

/** Why a rule stopped watching the subject of an incident. */
export type Unwatched = 'deleted' | 'disabled' | 'narrowed';

export interface RuleRow {
  id: string;
  condition: string;
  fields_json: string;
}

export interface ChannelRow {
  id: number;
  kind: ChannelKind;
  fields_json: string;
  address: string;
  failing_since: string | null;
  last_error: string | null;
  last_sent_at: string | null;
  held: number;
}

export interface SilenceRow {
  rule_id: string;
  subject: string;
  until: string;
  created_by: string;
}

export interface MessageRow {
  id: string;
  channel_id: number;
  notice_json: string;
  created_at: string;
  attempts: number;
  next_at: number | null;
}

/** Values of the filters of a list of incidents. */
export interface IncidentFilter {
  tenantId?: string | undefined;
  appId?: number | undefined;
  open?: 1 | undefined;
  closed?: 1 | undefined;
  severity?: string | undefined;
  condition?: string | undefined;
  app?: string | undefined;
  since?: string | undefined;
  until?: string | undefined;
}

const COLUMNS = `id, rule_id, condition, subject, name, app, app_id, tenant_id, severity, text, team_text, opened_at, updated_at,
  closed_at, recovering_since, reopened, acknowledged_at, acknowledged_by, cause_id, kept_until, told, told_group,
  told_to, unwatched`;

/** SQL of the tables of rules, channels, incidents, silences and messages. */
export function alertRepository(db: Db) {
  const rules = db.prepare<[], RuleRow>('SELECT * FROM alert_rules ORDER BY id');
  // a rule that was deleted still has incidents and silences, which a new one must not take over
  const lastRule = db
    .prepare<[], number | null>(
      `SELECT max(CAST(substr(id, 6) AS INTEGER)) FROM (SELECT id FROM alert_rules
         UNION ALL SELECT rule_id FROM incidents UNION ALL SELECT rule_id FROM alert_silences) WHERE id GLOB 'rule-*'`,
    )
    .pluck();
  const putRule = db.prepare<[string, string, string]>(
    'INSERT OR REPLACE INTO alert_rules (id, condition, fields_json) VALUES (?, ?, ?)',
  );
  const removeRule = db.prepare<[string]>('DELETE FROM alert_rules WHERE id = ?');
  const channels = db.prepare<[], ChannelRow>('SELECT * FROM alert_channels ORDER BY id');
  const addChannel = db.prepare<[string, string, string]>(
    'INSERT INTO alert_channels (kind, fields_json, address) VALUES (?, ?, ?)',
  );
  const putChannel = db.prepare<[ChannelRow]>(
    `UPDATE alert_channels SET fields_json = @fields_json, address = @address, failing_since = @failing_since,
       last_error = @last_error, last_sent_at = @last_sent_at, held = @held WHERE id = @id`,
  );
  const removeChannel = db.prepare<[number]>('DELETE FROM alert_channels WHERE id = ?');
  const dropChannel = db.prepare<[{ id: number }]>(
    `UPDATE alert_rules SET fields_json = json_set(fields_json, '$.channels', json((
       SELECT json_group_array(value) FROM json_each(fields_json, '$.channels') WHERE value <> @id)))
     WHERE @id IN (SELECT value FROM json_each(fields_json, '$.channels'))`,
  );
  const removeMessagesOf = db.prepare<[number]>('DELETE FROM alert_messages WHERE channel_id = ?');
  const putIncident = db.prepare<[IncidentRow]>(
    `INSERT OR REPLACE INTO incidents (${COLUMNS}) VALUES (${COLUMNS.replace(/\w+/g, '@$&')})`,
  );
  const incident = db.prepare<[number], IncidentRow>('SELECT * FROM incidents WHERE id = ?');
  const open = db.prepare<[], IncidentRow>('SELECT * FROM incidents WHERE closed_at IS NULL ORDER BY id');
  const closedSince = db.prepare<[string], IncidentRow>(
    `SELECT * FROM incidents WHERE closed_at >= ? OR (closed_at IS NOT NULL AND told <> 'closed') ORDER BY closed_at`,
  );
  const lastId = db.prepare<[], number | null>('SELECT max(id) FROM incidents').pluck();
  const forget = db.prepare<[string]>('DELETE FROM incidents WHERE closed_at < ?');
  const forgetBefore = db.prepare<[number]>('DELETE FROM incidents WHERE id <= ? AND closed_at IS NOT NULL');
  const list = filteredList<IncidentRow, keyof IncidentFilter>(db, {
    table: 'incidents',
    conditions: {
      tenantId: '(tenant_id = @tenantId OR team_text IS NOT NULL)',
      appId: 'app_id = @appId',
      open: 'closed_at IS NULL',
      closed: 'closed_at IS NOT NULL',
      severity: 'severity = @severity',
      condition: 'condition = @condition',
      app: 'app = @app',
      since: 'opened_at >= @since',
      until: 'opened_at <= @until',
    },
    order: 'id DESC',
  });
  const silences = db.prepare<[], SilenceRow>('SELECT * FROM alert_silences ORDER BY rule_id, subject');
  const putSilence = db.prepare<[SilenceRow]>(
    'INSERT OR REPLACE INTO alert_silences (rule_id, subject, until, created_by) VALUES (@rule_id, @subject, @until, @created_by)',
  );
  const removeSilence = db.prepare<[string, string]>('DELETE FROM alert_silences WHERE rule_id = ? AND subject = ?');
  const addMessage = db.prepare<[Omit<MessageRow, 'attempts'>]>(
    `INSERT INTO alert_messages (id, channel_id, notice_json, created_at, next_at)
     VALUES (@id, @channel_id, @notice_json, @created_at, @next_at)`,
  );
  const due = db.prepare<[number], MessageRow>(
    'SELECT * FROM alert_messages WHERE next_at <= ? ORDER BY next_at LIMIT 200',
  );
  const sent = db.prepare<[string, string]>(
    'UPDATE alert_messages SET attempts = attempts + 1, next_at = NULL, sent_at = ?, error = NULL WHERE id = ?',
  );
  const failed = db.prepare<[number | null, string, string]>(
    'UPDATE alert_messages SET attempts = attempts + 1, next_at = ?, error = ? WHERE id = ?',
  );
  const keepNotice = db.prepare<[string, string]>('UPDATE alert_messages SET notice_json = ? WHERE id = ?');
  const sentSince = db.prepare<[string], { channel_id: number; created_at: string }>(
    'SELECT channel_id, created_at FROM alert_messages WHERE created_at >= ? ORDER BY created_at',
  );
  const forgetMessages = db.prepare<[string]>('DELETE FROM alert_messages WHERE created_at < ? AND next_at IS NULL');
  return {
    rules: () => rules.all(),
    /** The highest number of an added rule, also of a deleted one that something refers to. */
    lastRule: () => lastRule.get() ?? 0,
    putRule: (row: RuleRow) => putRule.run(row.id, row.condition, row.fields_json),
    removeRule: (id: string) => removeRule.run(id),
    channels: () => channels.all(),
    addChannel: (kind: ChannelKind, fields: string, address: string) =>
      Number(addChannel.run(kind, fields, address).lastInsertRowid),
    putChannel: (row: ChannelRow) => putChannel.run(row),
    /** Rules no longer name it. */
    removeChannel: (id: number) =>
      db.transaction(() => {
        dropChannel.run({ id });
        removeMessagesOf.run(id);
        removeChannel.run(id);
      })(),
    incident: (id: number) => incident.get(id),
    open: () => open.all(),
    /** Those that closed since then, and those whose end has to be announced. */
    closedSince: (at: string) => closedSince.all(at),
    lastId: () => lastId.get() ?? 0,
    page: (filter: IncidentFilter, page: Page) => list.page({ ...filter }, page),
    silences: () => silences.all(),
    putSilence: (row: SilenceRow) => putSilence.run(row),
    removeSilence: (rule: string, subject: string) => removeSilence.run(rule, subject),
    /** Incidents and messages that belong together, all or none. */
    store: (incidents: Iterable<IncidentRow>, messages: Iterable<Omit<MessageRow, 'attempts'>> = []) =>
      db.transaction(() => {
        for (const row of incidents) putIncident.run(row);
        for (const row of messages) addMessage.run(row);
      })(),
    due: (now: number) => due.all(now),
    sent: (id: string, at: string) => sent.run(at, id),
    failed: (id: string, nextAt: number | null, error: string) => failed.run(nextAt, error, id),
    keepNotice: (id: string, json: string) => keepNotice.run(json, id),
    sentSince: (at: string) => sentSince.all(at),
    /** Drops what is older. */
    tidy(incidentsBefore: string, messagesBefore: string): void {
      forget.run(incidentsBefore);
      forgetBefore.run((lastId.get() ?? 0) - INCIDENTS_KEPT);
      forgetMessages.run(messagesBefore);
    },
  };
}
export type AlertRepository = ReturnType<typeof alertRepository>;
