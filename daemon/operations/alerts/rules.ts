import { ApiError, fieldError } from '#shared/errors.ts';
import { CONDITION_IDS, CONDITIONS, type ConditionId, conditionOf } from '#shared/rules/conditions.ts';
import { isTimeZone } from '#shared/rules/quiet-hours.ts';
import type { AlertChannel, AlertRule, CreateRuleBody, PatchRuleBody } from '#shared/schema/alerts.ts';
import type { AlertRepository } from './repository.ts';

/** Added rules; more would only repeat each other. */
const MAX_ADDED = 200;

type Fields = Omit<AlertRule, 'id' | 'condition' | 'builtIn' | 'changed'>;

/** The rule that a condition has from the start. */
export function defaultsOf(condition: ConditionId): Fields {
  const { title, threshold, forSeconds, severity } = conditionOf(condition);
  return {
    name: title,
    enabled: true,
    threshold: threshold?.default ?? null,
    forSeconds,
    severity,
    apps: null,
    nodes: null,
    quietHours: null,
    channels: null,
  };
}

/** All rules: one for each condition, and those that people added. Of a built-in rule only what was changed is stored. */
export class AlertRules {
  readonly #repository: Pick<AlertRepository, 'rules' | 'lastRule' | 'putRule' | 'removeRule'>;
  #list: readonly AlertRule[] = [];

  constructor(repository: Pick<AlertRepository, 'rules' | 'lastRule' | 'putRule' | 'removeRule'>) {
    this.#repository = repository;
    this.load();
  }

  list(): readonly AlertRule[] {
    return this.#list;
  }

  get(id: string): AlertRule | undefined {
    return this.#list.find((rule) => rule.id === id);
  }

  /** Whether such a rule could be stored. @param isNew it would be one more @throws ApiError VALIDATION_FAILED, ALERT_LIMIT_REACHED */
  check({ condition, ...given }: CreateRuleBody, isNew: boolean): Fields {
    const count = this.#list.filter((rule) => !rule.builtIn).length;
    if (isNew && count >= MAX_ADDED)
      throw new ApiError('ALERT_LIMIT_REACHED', { limit: MAX_ADDED, what: 'added rules' });
    const fields = { ...defaultsOf(condition), ...given } as Fields;
    check(condition, fields);
    return fields;
  }

  create(body: CreateRuleBody): AlertRule {
    const fields = this.check(body, true);
    return this.#put(`rule-${this.#repository.lastRule() + 1}`, body.condition, fields);
  }

  /** @throws ApiError ALERT_RULE_NOT_FOUND */
  update(id: string, change: PatchRuleBody): AlertRule {
    const { id: _id, condition, builtIn: _builtIn, changed: _changed, ...before } = this.#require(id);
    const fields = { ...before, ...change };
    check(condition, fields);
    return this.#put(id, condition, fields);
  }

  /** @throws ApiError ALERT_RULE_NOT_FOUND */
  remove(id: string): AlertRule {
    const rule = this.#require(id);
    this.#repository.removeRule(id);
    this.load();
    return rule;
  }

  /** Whether a channel can be deleted. @param stays whether a rule stays as it is @throws ApiError ALERT_CHANNEL_IN_USE */
  checkWithout({ id, name }: Pick<AlertChannel, 'id' | 'name'>, stays: (rule: AlertRule) => boolean): void {
    const mute = this.#list.filter(
      (rule) => rule.channels !== null && rule.channels.length > 0 && rule.channels.every((one) => one === id),
    );
    const rules = mute.filter(stays).map((rule) => rule.name);
    if (rules.length > 0) throw new ApiError('ALERT_CHANNEL_IN_USE', { name, rules: rules.join(', ') });
  }

  #put(id: string, condition: ConditionId, fields: Fields): AlertRule {
    const defaults = defaultsOf(condition);
    const kept = Object.entries(fields).filter(
      ([key, value]) => id !== condition || !isSame(value, defaults[key as keyof Fields]),
    );
    if (kept.length === 0) this.#repository.removeRule(id);
    else this.#repository.putRule({ id, condition, fields_json: JSON.stringify(Object.fromEntries(kept)) });
    this.load();
    return this.#require(id);
  }

  #require(id: string): AlertRule {
    const rule = this.get(id);
    if (rule === undefined) throw new ApiError('ALERT_RULE_NOT_FOUND', { id });
    return rule;
  }

  /** Reads the rules again. */
  load(): void {
    const rows = new Map(this.#repository.rules().map((row) => [row.id, row]));
    const builtIn = CONDITION_IDS.map((condition): AlertRule => {
      const row = rows.get(condition);
      rows.delete(condition);
      return {
        id: condition,
        condition,
        builtIn: true,
        changed: row !== undefined,
        ...defaultsOf(condition),
        ...(row === undefined ? {} : (JSON.parse(row.fields_json) as Partial<Fields>)),
      };
    });
    // a rule of a newer version may have a condition that is not known here
    const added = [...rows.values()].filter(({ condition }) => Object.hasOwn(CONDITIONS, condition)) as {
      id: string;
      condition: ConditionId;
      fields_json: string;
    }[];
    const own = added
      .map(({ id, condition, fields_json }): AlertRule => {
        const fields = { ...defaultsOf(condition), ...(JSON.parse(fields_json) as Partial<Fields>) };
        return { id, condition, builtIn: false, changed: false, ...fields };
      })
      .sort((a, b) => Number(a.id.slice(5)) - Number(b.id.slice(5)));
    this.#list = [...builtIn, ...own];
  }
}

const isSame = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

function check(condition: ConditionId, { threshold, quietHours, apps, nodes }: Fields): void {
  const { threshold: limits, subject } = conditionOf(condition);
  if (limits === undefined && threshold !== null)
    throw fieldError('body.threshold', `must be null, because ${condition} compares no value`);
  if (limits !== undefined && (threshold === null || threshold < limits.min || threshold > limits.max))
    throw fieldError('body.threshold', `must be between ${limits.min} and ${limits.max} ${limits.unit}`);
  if (apps !== null && subject !== 'app')
    throw fieldError('body.apps', `must be null, because ${condition} is not about apps`);
  if (nodes !== null && subject !== 'node')
    throw fieldError('body.nodes', `must be null, because ${condition} is not about nodes`);
  if (quietHours !== null && !isTimeZone(quietHours.timeZone))
    throw fieldError('body.quietHours.timeZone', 'is not a time zone of the IANA database');
  if (quietHours !== null && quietHours.from === quietHours.to)
    throw fieldError('body.quietHours.to', 'must be another time than from');
}
