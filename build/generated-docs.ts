import { type Definition, SETTINGS } from '#daemon/platform/settings-table.ts';
import { ERRORS, type ErrorDefinition } from '#shared/errors.ts';
import { permissionsOf, ROLES } from '#shared/permissions.ts';
import { configReference } from './config-doc.ts';
import { pluginReference } from './plugin-doc.ts';

/** Documents that derive from the code: file below docs/ → text. `npm run docs` writes them, a test keeps them fresh. */
export function generatedDocs(): Record<string, string> {
  return {
    'errors.md': errors(),
    'settings.md': settings(),
    'permissions.md': permissions(),
    'config.md': NOTE + configReference(),
    'plugin-reference.md': NOTE + pluginReference(),
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

Every refusal has the same shape: \`{statusCode, error, code, message, hint?, details?, requestId}\`, and further keys where a row of the
API says so. \`code\` is stable; \`message\` is for people. \`details\` names each field that is wrong as \`{path, message}\`. The \`requestId\` is
also in the header \`x-request-id\` and in the daemon's log.

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
    return `| \`${s.env}\` | ${s.flag ? `\`--${s.flag}\`` : ''} | ${cell(limits)} | ${fallback === '' ? 'unset' : `\`${cell(fallback)}\``} | ${cell(s.doc)}${s.secret ? ' **Secret.**' : ''} |`;
  });
  return `${NOTE}# Settings

A setting comes from, in rising order: its default, the env file (\`<DATA_DIR>/streamhub.env\`, or \`--env-file FILE\` /
\`STREAMHUB_ENV_FILE\`), the environment, a flag. An empty value counts as unset. All are read once, at the start; a value that makes no
sense stops the start with a line that names the setting and its place. Words for yes: \`1 true on yes\`, for no: \`0 false off no\`.

\`DATA_DIR\` defaults to \`~/.local/state/streamhub\` (Linux, or \`$XDG_STATE_HOME/streamhub\`), \`~/Library/Application Support/StreamHub/daemon\` (macOS) or
\`%LOCALAPPDATA%\\StreamHub\\daemon\` (Windows).

| variable | flag | values | default | meaning |
| --- | --- | --- | --- | --- |
${rows.join('\n')}

Credentials of an app can also come from the environment and then win over the stored ones: \`APP_<SLUG>_S3_KEY\`, \`APP_<SLUG>_S3_SECRET\`,
\`APP_<SLUG>_MQTT_PASSWORD\`; \`<SLUG>\` is the app's name in capitals with every run of other characters as one \`_\`.
`;
}

function permissions(): string {
  const rows = ROLES.map(
    (role) =>
      `| ${role} | ${permissionsOf(role)
        .map((p) => `\`${p}\``)
        .join(' ')} |`,
  );
  return `${NOTE}# Permissions

A permission is \`resource:action\`. A person has the rights of their role in their team, on that team's apps. An app token has every right on
its own app. A global token and a superadmin have every right.

| role | permissions |
| --- | --- |
${rows.join('\n')}

Which permission a route needs is in the API documentation (\`/api/v1/docs\`) and, per operation, as \`x-access\` in \`/api/v1/openapi.json\`.
`;
}
