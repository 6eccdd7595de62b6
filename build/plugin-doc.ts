import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { TObject, TSchema } from 'typebox';
import { MAX_PLUGIN_BYTES, MAX_PLUGIN_FILES } from '#daemon/plugins/packed-files.ts';
import { CredentialFields, StorageCapabilitiesShape } from '#daemon/plugins/provider-shape.ts';
import { ANSWERS } from '#daemon/plugins/wire/answers.ts';
import { PLUGIN_API_VERSION } from '#shared/plugin-sdk/api-version.ts';
import { EgressTarget } from '#shared/plugin-sdk/egress-target.ts';
import { PluginManifest, StorageProviderContribution } from '#shared/plugin-sdk/manifest.ts';
import { PROTECTED_KEYS, Preset } from '#shared/plugin-sdk/preset.ts';
import { PLUGIN_PROBLEMS } from '#shared/plugin-sdk/problems.ts';
import { STORAGE_ERRORS } from '#shared/plugin-sdk/storage-error.ts';

const SDK = path.resolve(import.meta.dirname, '../shared/plugin-sdk');
const cell = (text: string): string => text.replace(/\|/g, '\\|').replace(/\s+/g, ' ').trim();
const code = (text: string): string => `\`${text}\``;
const findings = ANSWERS.validate.properties.findings;
const { failed } = ANSWERS.deleteMany.properties;
const declared = ANSWERS.describe.anyOf[0].properties.providers.items;

/** docs/plugin-reference.md: every field, limit and error of plugins, from the schemas and tables that the host uses. */
export function pluginReference(): string {
  const contributes = PluginManifest.properties.contributes;
  return `# Plugin reference

Plugin API ${PLUGIN_API_VERSION}. [plugins.md](plugins.md) is the guide. This page lists every field, limit and error.

## plugin.json

${fields(PluginManifest)}

### contributes

${fields(contributes)}

### contributes.storageProviders

${fields(StorageProviderContribution)}

## A preset file

YAML or JSON, at most 64 KiB.

${fields(Preset)}

No preset can change the protected keys: ${PROTECTED_KEYS.map(code).join(', ')}. A patch contains texts, numbers, booleans, lists and mappings, at most
16 levels deep, without \`null\`.

## A storage provider

The argument of \`defineStorageProvider\`. Title and description of the provider are in \`plugin.json\` only. If a field is wrong, the plugin is \`failed\`, and
\`reason\` names the field.

${members('StorageProvider', declared)}

### capabilities

${members('StorageCapabilities', StorageCapabilitiesShape)}

### credentials

A ${limitsOf(CredentialFields)}. Each entry has:

${members('CredentialField', CredentialFields.items)}

### The client that \`open\` returns

\`open\` receives:

${members('StorageContext')}

and returns a client with:

${members('StorageClient')}

### Options of the calls

\`put\`:

${members('PutOptions')}

\`get\`:

${members('GetOptions')}

\`list\`:

${members('ListOptions')}

\`deleteMany\`:

${members('DeleteOptions')}

\`presignGet\`:

${members('PresignOptions')}

\`head\` and \`abortUploads\`:

${members('CallOptions')}

### What else the host passes

\`change\` of \`normalise\`:

${members('SettingsChange')}

\`guard\`:

${members('NetworkGuard')}

\`session\` returns, for built-in plugins only:

${members('SessionCredentials')}

## What the calls return

The host checks every result of an installed plugin, field by field. Other fields are ignored. If a result is wrong, the call fails with \`PLUGIN_FAILED\`, and a
request that needs it answers 502. Message and log name the field. The plugin's process ends, which counts as a crash: after three in ten minutes
the plugin is quarantined. A missing method of the client and a \`body\` that isn't a stream fail in the same way, but without a crash. A thrown
\`StorageError\` is an answer of the storage. Any other error fails with \`PLUGIN_FAILED\`, and the message names the file and line in your code.

| call | result |
| --- | --- |
| \`normalise\` | ${limitsOf(ANSWERS.validate.properties.settings)}: the settings. The schema checks what this call is given, not what it returns. |
| \`validate\` | ${limitsOf(findings)}, see [below](#a-finding-of-validate); empty if nothing is wrong |
| \`endpoint\` | ${limitsOf(ANSWERS.validate.properties.endpoint.anyOf[1])}; or undefined |
| \`egressTarget\` | one of the [targets](#a-target-of-egresstarget) |
| \`open\` | the client, or a promise of it |
| \`put\` | nothing |
| \`get\` | an [open object](#an-open-object-of-get) |
| \`head\` | an [object](#an-object-of-head-and-list), or null |
| \`list\` | an async iterable of pages, each a list of [objects](#an-object-of-head-and-list). The host takes each page as a ${limitsOf(ANSWERS.next.anyOf[1])}; the rest of a larger one follows. |
| \`deleteMany\` | a [result](#a-result-of-deletemany) |
| \`presignGet\` | ${limitsOf(ANSWERS.presignGet)} |
| \`abortUploads\` | ${limitsOf(ANSWERS.abortUploads)}: uploads that were removed |

### A finding of \`validate\`

${members('SettingsFinding', findings.items)}

### A target of \`egressTarget\`

How LiveKit reaches the storage, with LiveKit's own fields. The host also refuses an endpoint that the address rules of the installation forbid, and a key file
that isn't a service account's. Then the recording isn't started: \`RECORDING_NOT_TAKEN\`.

${EgressTarget.anyOf.map((target) => `\`kind: '${target.properties.kind.const}'\`:\n\n${fields(target)}`).join('\n\n')}

### An open object of \`get\`

${members('OpenObject', ANSWERS.get)}

### An object of \`head\` and \`list\`

${members('ObjectInfo', ANSWERS.head.anyOf[1])}

### A result of \`deleteMany\`

${members('DeleteResult', ANSWERS.deleteMany)}

\`failed\` is a ${limitsOf(failed)}. Each entry has:

${members('DeleteFailure', failed.items)}

## Limits

| what | limit |
| --- | --- |
| plugins per daemon | 200 |
| \`plugin.json\`, a preset file, the documentation | 64 KiB each |
| presets per plugin | 100 |
| storage providers per plugin | 20 |
| files in a packed plugin | ${MAX_PLUGIN_FILES.toLocaleString('en')} |
| total size of a plugin's files | ${MAX_PLUGIN_BYTES / 1024 / 1024} MiB |
| keys per call of \`deleteMany\` | \`maxDeleteBatch\`, at most 1,000 |
| settings of a provider, without the shared ones | 32, texts of 1,024 characters |
| memory and time limits of its code | \`STREAMHUB_PLUGIN_…\` in [settings.md](settings.md) |

## What can be wrong with a plugin

\`streamhub plugin check\` and \`GET /plugins\` list each problem with its code, file, key and fix. \`{detail}\` stands for the details.

| code | message | fix |
| --- | --- | --- |
${Object.entries(PLUGIN_PROBLEMS)
  .map(([name, { text, cure }]) => `| ${code(name)} | ${cell(text)} | ${cell(cure)} |`)
  .join('\n')}

## What a storage can answer

For errors of the storage or the network, a client throws only \`new StorageError(code, { native, detail })\`. \`native\` is the storage's own short
name for the error. Neither may contain a credential, a signed address or a request.

| code | message | fix |
| --- | --- | --- |
${Object.entries(STORAGE_ERRORS)
  .map(([name, { message, cure }]) => `| ${code(name)} | ${cell(message)} | ${cell(cure)} |`)
  .join('\n')}
`;
}

/** Fields of a schema that says what each of them means. */
function fields(schema: TObject): string {
  const rows = Object.entries(schema.properties as Record<string, TSchema & Record<string, unknown>>).map(
    ([name, field]) => {
      const need = schema.required?.includes(name) ? 'yes' : '';
      const meaning = cell(String(field['description'] ?? ''));
      if (meaning === '') throw new Error(`the field ${name} has no description`);
      return `| ${code(name)} | ${need} | ${cell(limitsOf(field))} | ${meaning} |`;
    },
  );
  return `| field | required | type | meaning |\n| --- | --- | --- | --- |\n${rows.join('\n')}`;
}

const KINDS: Readonly<Record<string, string>> = {
  array: 'list',
  object: 'mapping',
  string: 'text',
  integer: 'whole number',
  null: 'null',
};

/** Type and limits of a value, in words. */
function limitsOf(field: TSchema & Record<string, any>): string {
  const { anyOf, type, const: fixed, enum: values, minLength, maxLength, minimum, maximum, maxItems, pattern } = field;
  // another column says whether it may be missing
  if (Array.isArray(anyOf))
    return anyOf
      .filter((one) => one.type !== 'null')
      .map(limitsOf)
      .join(' or ');
  if (fixed !== undefined) return code(`'${fixed}'`);
  if (Array.isArray(values)) return values.map((value) => code(`'${value}'`)).join(' or ');
  const parts = [KINDS[type] ?? (type === undefined ? 'any value' : String(type))];
  const count = (size: number): string => size.toLocaleString('en');
  const range = (least: number | undefined, most: number | undefined, unit = ''): string[] =>
    most === undefined
      ? least
        ? [`at least ${count(least)}${unit}`]
        : []
      : [`${least ? `${count(least)} to ` : 'at most '}${count(most)}${unit}`];
  if (type === 'string') parts.push(...range(minLength === 1 ? undefined : minLength, maxLength, ' characters'));
  if (type === 'string' && minLength === 1) parts.push('not empty');
  if (type === 'integer' || type === 'number')
    parts.push(...(minimum === 0 && maximum === undefined ? ['0 or more'] : range(minimum, maximum)));
  if (type === 'array') parts.push(...range(undefined, maxItems));
  if (type === 'object') parts.push(...range(undefined, field['maxProperties']));
  if (pattern) parts.push(code(String(pattern)));
  return parts.join(', ');
}

const SOURCE = ['storage-provider.ts', 'storage-error.ts']
  .map((file) => readFileSync(path.join(SDK, file), 'utf8'))
  .join('\n');

interface Member {
  name: string;
  isOptional: boolean;
  type: string;
  text: string;
}

/** Members of an interface of the SDK with their docstrings, read from the source, so that there is one text of each. */
function membersOf(name: string): Member[] {
  const found = new RegExp(
    `export interface ${name}\\b(?:<.*>)?(?: extends (\\w+))? \\{\\n([\\s\\S]*?)\\n?\\}\\n`,
  ).exec(SOURCE);
  if (found === null) throw new Error(`no interface ${name} in the SDK`);
  const [, parent, body = ''] = found;
  const own = [
    ...body.matchAll(/(?: {2}\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\n)? {2}(\w+)(\??)([:(][\s\S]*?);(?=\n|$)/g),
  ].map(([, doc = '', member = '', optional, rest = '']) => {
    const text = cell(doc.replace(/^\s*\* ?/gm, ' '));
    if (text === '') throw new Error(`${name}.${member} has no docstring`);
    return { name: member, isOptional: optional === '?', type: cell(rest.replace(/^:\s*/, '')), text };
  });
  return [...own, ...(parent === undefined ? [] : membersOf(parent))];
}

/**
 * A table of an interface's members.
 * @param schema what the host checks; each of its fields must be a member
 */
function members(name: string, schema?: TObject): string {
  const all = membersOf(name).filter(({ text }) => !text.startsWith('@deprecated'));
  const checked = (schema?.properties ?? {}) as Record<string, TSchema>;
  const unknown = Object.keys(checked).find((field) => !all.some((member) => member.name === field));
  if (unknown !== undefined) throw new Error(`${name} has no member ${unknown}, which the host checks`);
  const rows = all.map(({ name: member, isOptional, type, text }) => {
    const field = checked[member];
    const cells = [
      code(member),
      isOptional ? '' : 'yes',
      code(type),
      ...(schema ? [field ? cell(limitsOf(field)) : ''] : []),
      text,
    ];
    return `| ${cells.join(' | ')} |`;
  });
  const head = ['member', 'required', 'type', ...(schema ? ['what is checked'] : []), 'meaning'];
  return `| ${head.join(' | ')} |\n|${' --- |'.repeat(head.length)}\n${rows.join('\n')}`;
}
