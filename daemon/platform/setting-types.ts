import type { ConnectionName } from '#shared/schema/connections.ts';
import type { SettingGroup } from '#shared/schema/settings.ts';

/** A setting of the daemon; all of them are in settings-table.ts. */
interface Common {
  /** Environment variable; also its name in the env file and the API. */
  env: string;
  /** Its name in the console. */
  label: string;
  /** Command-line flag without the dashes. */
  flag?: string;
  /** What it does, for `--help` and the docs. */
  doc: string;
  /** Never printed, answered or logged. */
  secret?: boolean;
  /** A secret that keeps its surrounding blanks, because existing tokens or passwords may depend on them. */
  verbatim?: boolean;
  /** When a value that is set over the API has an effect; absent = it can only be set where the daemon is started. */
  change?: 'live' | 'restart';
  /** What is tested before a new value is stored. */
  test?: ConnectionName;
}
type Declared = Common &
  (
    | { type: 'string'; default: string; pattern?: RegExp; hint?: string; masked?: boolean }
    | { type: 'url'; default: string; schemes: readonly string[]; hasPassword?: boolean }
    | { type: 'addresses'; default: readonly string[] }
    | { type: 'int'; default: number; min: number; max: number }
    | { type: 'flag'; default: boolean }
    | { type: 'enum'; default: string; values: readonly string[]; junk?: string }
  );
export type Definition = Declared & { group: SettingGroup };

/** Its value is written, never read: it is a secret, a key of which only the beginning is shown, or an address that can hold a password. */
export const isHidden = (definition: Definition): boolean =>
  definition.secret === true ||
  (definition.type === 'url' && definition.hasPassword === true) ||
  (definition.type === 'string' && definition.masked === true);

export const str = (
  env: string,
  label: string,
  doc: string,
  more: { default?: string; flag?: string; secret?: boolean; verbatim?: boolean; masked?: boolean } = {},
) => ({ type: 'string', env, label, doc, default: '', ...more }) as const;
const HOST_NAME = '[^\\s:/\\\\@?#<>,;"\'[\\]]+';
const IPV6 = '[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*';
/** A host without a scheme, port or path; unset = empty. */
export const host = (env: string, label: string, doc: string) =>
  ({
    ...str(env, label, doc),
    pattern: new RegExp(`^(?:${HOST_NAME}|${IPV6})?$`),
    hint: 'a host name or an IP address',
  }) as const;
export const hostWithPort = (env: string, label: string, doc: string) =>
  ({
    ...str(env, label, doc),
    pattern: new RegExp(`^(?:(?:${HOST_NAME}|\\[${IPV6}\\])(?::\\d{1,5})?|${IPV6})?$`),
    hint: 'a host name or an IP address, with a port if you like',
  }) as const;
/** An address of mail, or `Name <address>`. */
export const mailSender = (env: string, label: string, doc: string) =>
  ({
    ...str(env, label, doc),
    pattern: /^(?:[^\s<>@]+@[^\s<>@]+|[^<>]*<[^\s<>@]+@[^\s<>@]+>)?$/,
    hint: 'an email address, or Name <address>',
  }) as const;
/** An absolute address; `schemes` without the colon. */
export const url = (
  env: string,
  label: string,
  schemes: readonly string[],
  doc: string,
  more: { default?: string; secret?: boolean; hasPassword?: boolean } = {},
) => ({ type: 'url', env, label, schemes, doc, default: '', ...more }) as const;
export const HTTP = ['http', 'https'] as const;
export const REDIS = ['redis', 'rediss'] as const;
export const secret = (env: string, label: string, doc: string) => str(env, label, doc, { secret: true });
export const verbatimSecret = (env: string, label: string, doc: string) =>
  str(env, label, doc, { secret: true, verbatim: true });
export const int = (env: string, label: string, fallback: number, min: number, max: number, doc: string) =>
  ({ type: 'int', env, label, default: fallback, min, max, doc }) as const;
export const flag = (env: string, label: string, fallback: boolean, doc: string) =>
  ({ type: 'flag', env, label, default: fallback, doc }) as const;
export const choice = <const V extends readonly string[]>(
  env: string,
  label: string,
  values: V,
  fallback: V[number],
  doc: string,
  junk?: V[number],
) => ({ type: 'enum', env, label, values, default: fallback, doc, ...(junk ? { junk } : {}) }) as const;

/** Can be changed over the API, and then applies immediately. */
export const live = <D extends Declared>(definition: D, test?: ConnectionName) =>
  ({ ...definition, change: 'live', ...(test ? { test } : {}) }) as const;
/** Can be changed over the API, and applies after the next start. */
export const restart = <D extends Declared>(definition: D) => ({ ...definition, change: 'restart' }) as const;

export const group = <const G extends SettingGroup, T extends Record<string, Declared>>(name: G, settings: T) =>
  Object.fromEntries(
    Object.entries(settings).map(([key, definition]) => [key, { ...definition, group: name }]),
  ) as unknown as {
    [K in keyof T]: T[K] & { group: G };
  };
