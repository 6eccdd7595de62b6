import type { Definition } from '#daemon/platform/setting-types.ts';
import { SETTINGS } from '#daemon/platform/settings-table.ts';
import { operations } from '#shared/contract/index.ts';
import type { Access } from '#shared/contract/operation.ts';
import { ERRORS, type ErrorDefinition } from '#shared/errors.ts';
import { ACTIONS, RESOURCES, ROLES, roleAllows } from '#shared/permissions.ts';
import { alertsGuide } from './alerts-doc.ts';
import { cliReference } from './cli-doc.ts';
import { configReference } from './config-doc.ts';
import { deliveryDoc } from './delivery-doc.ts';
import { eventsDoc } from './events-doc.ts';
import { liveHlsGuide } from './live-hls-doc.ts';
import { monitoringDoc } from './monitoring-doc.ts';
import { monitoringFiles } from './monitoring-files.ts';
import { operationsDoc } from './operations-doc.ts';
import { pluginReference } from './plugin-doc.ts';

/** Files that derive from the code: path below the repository's root → text. `npm run docs` writes them, a test keeps them fresh. */
export function generatedDocs(): Record<string, string> {
  return {
    'docs/alerts.md': NOTE + alertsGuide(),
    'docs/cli.md': NOTE + cliReference(),
    'docs/errors.md': errors(),
    'docs/events.md': NOTE + eventsDoc(),
    'docs/settings.md': settings(),
    'docs/permissions.md': permissions(),
    'docs/operations.md': NOTE + operationsDoc(),
    'docs/live-hls.md': NOTE + liveHlsGuide(),
    'docs/config.md': NOTE + configReference(),
    'docs/delivery.md': deliveryDoc(),
    'docs/plugin-reference.md': NOTE + pluginReference(),
    'docs/monitoring.md': NOTE + monitoringDoc(),
    ...monitoringFiles(),
  };
}

const NOTE = '<!-- Made by `npm run docs` from the code; do not edit. -->\n\n';
const cell = (text: string): string => text.replace(/\|/g, '\\|');

function errors(): string {
  const rows = Object.entries<ErrorDefinition>(ERRORS).map(
    ([code, e]) =>
      `| \`${code}\` | ${e.status} | ${cell(e.message)} | ${cell(e.hint ?? '')} | ${e.retryable ? 'yes' : ''} |`,
  );
  return `${NOTE}# Errors

All errors have the same shape: \`{statusCode, error, code, message, hint?, details?, requestId}\`. Some operations add keys; the API reference lists them.
\`code\` is stable; \`message\` and \`hint\` are for people. \`details\` lists each wrong field as \`{path, message}\`. You also find the \`requestId\` in the
header \`x-request-id\` and in the daemon's log.

| code | status | message | what to do | worth a retry |
| --- | --- | --- | --- | --- |
${rows.join('\n')}
`;
}

function settings(): string {
  const rows = Object.values<Definition>(SETTINGS).map((s) => {
    const limits =
      s.type === 'int'
        ? `${s.min}..${s.max}`
        : s.type === 'enum'
          ? s.values.join(', ')
          : s.type === 'addresses'
            ? 'addresses and CIDR ranges, comma-separated'
            : s.type === 'url'
              ? s.schemes.map((scheme) => `${scheme}://…`).join(', ')
              : s.type === 'string' && s.hint !== undefined
                ? s.hint
                : s.type;
    const fallback =
      s.env === 'DATA_DIR' ? '(state folder)' : Array.isArray(s.default) ? s.default.join(',') : String(s.default);
    return `| \`${s.env}\` | ${s.flag ? `\`--${s.flag}\`` : ''} | ${cell(limits)} | ${fallback === '' ? 'unset' : `\`${cell(fallback)}\``} | ${CHANGE[s.change ?? 'start']} | ${cell(s.doc)}${s.secret ? ' **Secret.**' : ''} |`;
  });
  return `${NOTE}# Settings

A setting comes from its default, the console, the env file, the environment or a flag. Each overrides the ones before it. The env file is
\`<DATA_DIR>/streamhub.env\`, unless you set \`--env-file FILE\` or \`STREAMHUB_ENV_FILE\`. An empty value counts as unset.

The column "console" says what you can change under Settings in the console, or with \`PATCH /api/v1/system/settings\`. The value applies immediately,
or after a restart. The daemon keeps it in the registry, and secrets in \`data/secrets.json\`. It tests LiveKit, Redis and mail before it stores new
values. The page and \`POST /api/v1/system/settings/undo\` bring the previous values back. A stored value that can't be used is reported as a problem,
and the default is used.

The env file, the environment and flags are read once, at the start. If a value there is wrong, the daemon doesn't start, and names the setting and where it
was set. Write \`1\`, \`true\`, \`on\`
or \`yes\` to turn a flag on, and \`0\`, \`false\`, \`off\` or \`no\` to turn it off.

Save the env file as UTF-8. At the start the daemon warns of misspelt names, double names and lines without \`=\`. It also warns of blanks
or quotes around a secret, and of a file with secrets that other users can read. Clients get the addresses that aren't secret. So the daemon
ignores a user, a password or a query in them, and warns of it. The log and \`GET /system/settings\` show the same warnings.

\`DATA_DIR\` defaults to \`~/.local/state/streamhub\` (Linux, or \`$XDG_STATE_HOME/streamhub\`), \`~/Library/Application Support/StreamHub/daemon\` (macOS) or
\`%LOCALAPPDATA%\\StreamHub\\daemon\` (Windows).

| variable | flag | values | default | console | meaning |
| --- | --- | --- | --- | --- | --- |
${rows.join('\n')}

An app's credentials can also come from the environment, which overrides the stored ones: \`APP_<SLUG>_S3_KEY\`, \`APP_<SLUG>_S3_SECRET\`,
\`APP_<SLUG>_MQTT_PASSWORD\`. \`<SLUG>\` is the app's name in capitals, with each run of other characters replaced by one \`_\`.
`;
}

/** When a value from the console applies. */
const CHANGE = { live: 'immediately', restart: 'after a restart', start: '' } as const;

const WHO: Record<Extract<Access, string>, string> = {
  public: 'anyone',
  bearer: 'anyone with a valid credential',
  human: 'people who signed in',
  owner: 'people who signed in as an owner, and superadmins',
  global: 'global tokens and superadmins',
  'cluster-token': 'machines with the cluster token or a node credential',
  webhook: 'LiveKit, by its signature',
  metrics: 'anyone with `METRICS_TOKEN`',
};

function permissions(): string {
  const guarded = operations.flatMap(({ id, access }) =>
    typeof access === 'object' ? [{ id, permission: access.permission }] : [],
  );
  const rows = RESOURCES.flatMap((resource) => ACTIONS.map((action) => `${resource}:${action}` as const)).flatMap(
    (permission) => {
      const ids = guarded.filter((operation) => operation.permission === permission).map(({ id }) => `\`${id}\``);
      const roles = ROLES.map((role) => (roleAllows(role, permission) ? 'yes' : ''));
      return ids.length === 0 ? [] : [`| \`${permission}\` | ${roles.join(' | ')} | ${ids.join(' ')} |`];
    },
  );
  const others = Object.entries(WHO).map(([access, who]) => {
    const ids = operations.filter((operation) => operation.access === access).map(({ id }) => `\`${id}\``);
    return `| \`${access}\` | ${who} | ${ids.join(' ')} |`;
  });
  const ofInstallation = operations
    .flatMap(({ id, isOfInstallation }) => (isOfInstallation ? [`\`${id}\``] : []))
    .join(', ');
  const closed = operations.flatMap(({ id, refusesAppTokens }) => (refusesAppTokens ? [`\`${id}\``] : [])).join(', ');
  return `${NOTE}# Permissions

A permission is \`resource:action\`. You have the permissions of your role in your team, on that team's apps. An app token has every permission on its own
app, and sees no other app. It is refused, with 403 \`APP_TOKEN_REFUSED\`, by ${closed}. A global token and a superadmin have every permission.
Only they may use what is about the whole installation, beside its permission: ${ofInstallation}.

| permission | ${ROLES.join(' | ')} | operations |
| --- |${' --- |'.repeat(ROLES.length)} --- |
${rows.join('\n')}

## Other access

These operations need no permission, but a different kind of access. The API reference (\`/api/v1/docs\`) shows the access of each operation, and
\`/api/v1/openapi.json\` contains it as \`x-access\`.

| access | who | operations |
| --- | --- | --- |
${others.join('\n')}
`;
}
