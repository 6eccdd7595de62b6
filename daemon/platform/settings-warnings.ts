import { distance } from 'fastest-levenshtein';
import { secretReferences } from '#shared/config/defaults.ts';
import { findOddText } from '#shared/odd-text.ts';
import type { InstallationWarning } from '#shared/schema/settings.ts';
import { publicAddress } from '#shared/secrets.ts';
import type { EnvFile } from './env-file.ts';
import { type Definition, isHidden } from './setting-types.ts';
import { SETTINGS } from './settings-table.ts';

type Variables = Record<string, string | undefined>;

const DEFINITIONS: readonly Definition[] = Object.values(SETTINGS);
const NAMES = DEFINITIONS.map(({ env }) => env);
const PREFIXES = new Set(NAMES.filter((name) => name.includes('_')).map((name) => name.split('_', 1)[0]));
/** Names with these prefixes that something else reads: the command line, the edge agent and its installer, the LiveKit server. */
const FOREIGN = new Set(
  `STREAMHUB_ENV_FILE STREAMHUB_API STREAMHUB_TOKEN STREAMHUB_URL STREAMHUB_CONTEXT STREAMHUB_CA_FILE STREAMHUB_CONFIG_DIR STREAMHUB_BACKUP_PASSPHRASE STREAMHUB_BACKUP_KEY STREAMHUB_BACKUP_SECRET STREAMHUB_JOIN_CODE STREAMHUB_MASTER_TOKEN STREAMHUB_MASTER_URL
  STREAMHUB_MASTER_IP STREAMHUB_ORIGIN_URL STREAMHUB_ORIGIN_IP STREAMHUB_EDGE_DIR STREAMHUB_EDGE_VERSION STREAMHUB_REGION
  STREAMHUB_NPM_REGISTRY STREAMHUB_CA STREAMHUB_NODE_NAME STREAMHUB_LIVEKIT_MIRROR LIVEKIT_CONFIG LIVEKIT_KEYS`.split(
    /\s+/,
  ),
);
/** Kubernetes and Docker links describe other services with such variables. */
const SERVICE = /_SERVICE_(?:HOST|PORT\w*)$|_PORT(?:_\d+_\w+)?$/;

/** Warnings about the settings of a file and an environment. They never quote a value. */
export function settingsWarnings(envFile: string, file: EnvFile, env: Variables): InstallationWarning[] {
  const warnings: InstallationWarning[] = [];
  const add = (code: string, subject: string, message: string) => warnings.push({ code, subject, message });

  for (const remark of file.remarks) {
    add('ENV_FILE_LINE', `${envFile} ${/^line \d+/.exec(remark)?.[0]} ${warnings.length}`, `${envFile}, ${remark}`);
  }
  const hasSecret = Object.entries(file.values).some(([name, value]) => value && holdsSecret(name, value));
  if (hasSecret && file.isShared) {
    add(
      'ENV_FILE_READABLE',
      envFile,
      `${envFile} contains secrets, and other users of this machine can read or change it. Run: chmod 600 '${envFile}'`,
    );
  }
  for (const [place, variables] of [
    [envFile, file.values],
    ['the environment', env],
  ] as const) {
    for (const name of Object.keys(variables)) {
      const near = nearestSetting(name, place === envFile);
      if (near !== undefined && variables[name] !== undefined) {
        add('UNKNOWN_SETTING', name, `${name} in ${place} is not a setting and has no effect. Did you mean ${near}?`);
      }
    }
  }
  // the environment wins, unless it is empty
  const given = { ...file.values, ...Object.fromEntries(Object.entries(env).filter(([, value]) => value)) };
  for (const [name, value] of Object.entries(given)) {
    const definition = DEFINITIONS.find((known) => known.env === name);
    if (!value || (definition === undefined && !isSecret(name))) continue;
    const isText = definition === undefined || definition.type === 'string' || definition.type === 'url';
    const rest = isText ? leftOver(value, isSecret(name)) : undefined;
    if (rest !== undefined) {
      const isCut = rest.isBlank && definition !== undefined && !definition.verbatim;
      const effect = isCut ? 'StreamHub ignores it' : 'It is part of the value';
      add('SECRET_LEFT_OVER', name, `${name} begins or ends with ${rest.what}. ${effect}. Delete it.`);
      continue;
    }
    const odd = isText ? findOddText(value) : undefined;
    if (odd !== undefined) add('ODD_SETTING', name, `${name} ${odd.message}.`);
    else if (definition?.type === 'url' && !isHidden(definition) && publicAddress(value) !== value) {
      const why = 'StreamHub ignores them, because clients get this address';
      add('ODD_SETTING', name, `${name} contains a user, a password or a query. ${why}. Delete them.`);
    }
  }
  return warnings;
}

const isSecret = (name: string): boolean =>
  /^APP_[A-Z0-9_]+$/.test(name) || DEFINITIONS.some((known) => known.env === name && known.secret === true);

/** Also an address with a password, and a misspelled name: its value is as secret. The value of TLS_KEY is the name of a file. */
const holdsSecret = (name: string, value: string): boolean =>
  isSecret(name) ||
  (URL.parse(value)?.password ?? '') !== '' ||
  (/(?:SECRET|PASS|PASSWORD|TOKEN|KEY)$/i.test(name) && name !== 'TLS_KEY');

/** @param isSecret else a quote at one end may be meant, as in a sender’s name */
function leftOver(value: string, isSecret: boolean): { what: string; isBlank: boolean } | undefined {
  if (value !== value.trim()) {
    const [char] = /^\s|\s$/.exec(value) as unknown as [string];
    const names: Record<string, string> = {
      ' ': 'a blank',
      '\u00a0': 'a no-break space',
      '\ufeff': 'a byte order mark',
    };
    const what = names[char] ?? (char === '\r' || char === '\n' ? 'a line end' : 'a tab or another space');
    return { what, isBlank: true };
  }
  return (isSecret ? /^["'`]|["'`]$/ : /^(["'`]).*\1$/s).test(value) ? { what: 'a quote', isBlank: false } : undefined;
}

/** The setting that a name is most like, if the name was probably meant for StreamHub and is not a setting. */
function nearestSetting(given: string, isOwnFile: boolean): string | undefined {
  // the text before the = of any other line may be part of a secret
  if (!/^[\w.-]+$/.test(given)) return;
  const name = given.toUpperCase().replaceAll(/[.-]/g, '_');
  if (name.startsWith('APP_')) return nearestAppSecret(given, isOwnFile);
  // Windows ignores the case of names in the environment
  const isKnown = NAMES.includes(given) || (process.platform === 'win32' && !isOwnFile && NAMES.includes(name));
  if (isKnown || FOREIGN.has(name)) return;
  if (!isOwnFile && SERVICE.test(name)) return;
  const short = isOwnFile
    ? NAMES.find((known) => known === `STREAMHUB_${name}` || name === `STREAMHUB_${known}`)
    : undefined;
  if (short !== undefined) return short;
  const [near, steps] = NAMES.map((known) => [known, distance(name, known)] as const).reduce((best, next) =>
    next[1] < best[1] ? next : best,
  );
  const prefix = name.split('_', 1)[0] as string;
  const longer = NAMES.find((known) => known.includes('_') && name.startsWith(known));
  if (prefix === 'STREAMHUB' || prefix === 'LIVEKIT') return longer ?? near;
  if (name.includes('_') && PREFIXES.has(prefix)) return longer ?? (steps <= 3 ? near : undefined);
  return isOwnFile && steps <= 2 ? near : undefined;
}

/** What follows `APP_<SLUG>_` in the names of apps' secrets. */
const USES = Object.values(secretReferences('x')).map((name) => name.replace(/^APP_X_/, ''));
/** Names of stored secrets that no setting needs: a kept key of an earlier place, and the choice of a role. */
const KEPT = /(?:_ROLE)?(?:__[0-9a-f]{16})?$/;

/** As `nearestSetting`, for `APP_<SLUG>_…`. The environment has such names of other programs, too. */
function nearestAppSecret(given: string, isOwnFile: boolean): string | undefined {
  const name = given.replace(KEPT, '');
  if (/^APP_[A-Z0-9_]+$/.test(name) && USES.some((use) => name.endsWith(`_${use}`) && name.length > use.length + 5))
    return;
  const words = name.toUpperCase().replaceAll(/\W/g, '_').split('_').slice(1);
  const near = USES.map((use) => {
    const found = words.lastIndexOf(use.split('_', 1)[0] as string);
    const at = found >= 0 ? found : Math.max(0, words.length - 2);
    const slug = at === 0 ? 'LIVE' : words.slice(0, at).join('_');
    return { known: `APP_${slug}_${use}`, steps: distance(words.slice(at).join('_'), use) };
  }).reduce((best, next) => (next.steps < best.steps ? next : best));
  return isOwnFile || near.steps <= 2 ? near.known : undefined;
}
