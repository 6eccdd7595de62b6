import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { TObject, TSchema } from 'typebox';
import { MAX_PLUGIN_BYTES, MAX_PLUGIN_FILES } from '#daemon/plugins/packed-files.ts';
import { PLUGIN_API_VERSION } from '#shared/plugin-sdk/api-version.ts';
import { PluginManifest, StorageProviderContribution } from '#shared/plugin-sdk/manifest.ts';
import { PROTECTED_KEYS, Preset } from '#shared/plugin-sdk/preset.ts';
import { PLUGIN_PROBLEMS } from '#shared/plugin-sdk/problems.ts';
import { STORAGE_ERRORS } from '#shared/plugin-sdk/storage-error.ts';

const SDK = path.resolve(import.meta.dirname, '../shared/plugin-sdk');
const cell = (text: string): string => text.replace(/\|/g, '\\|').replace(/\s+/g, ' ').trim();
const code = (text: string): string => `\`${text}\``;

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

The argument of \`defineStorageProvider\`.

${members('StorageProvider')}

### capabilities

${members('StorageCapabilities')}

### credentials

${members('CredentialField')}

### The client that \`open\` returns

\`open\` receives:

${members('StorageContext')}

and returns a client with:

${members('StorageClient')}

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

function fields(schema: TObject): string {
  const rows = Object.entries(schema.properties as Record<string, TSchema & Record<string, unknown>>).map(
    ([name, field]) => {
      const need = schema.required?.includes(name) ? 'yes' : '';
      return `| ${code(name)} | ${need} | ${cell(limitsOf(field))} | ${cell(String(field['description'] ?? ''))} |`;
    },
  );
  return `| field | required | type | meaning |\n| --- | --- | --- | --- |\n${rows.join('\n')}`;
}

function limitsOf(field: Record<string, unknown>): string {
  const { type, maxLength, maxItems, maxProperties, pattern } = field;
  const parts = [type === 'array' ? 'list' : type === 'object' ? 'mapping' : type === 'string' ? 'text' : String(type)];
  if (maxLength) parts.push(`at most ${maxLength} characters`);
  if (maxItems) parts.push(`at most ${maxItems}`);
  if (maxProperties) parts.push(`at most ${maxProperties}`);
  if (pattern) parts.push(code(String(pattern)));
  return parts.join(', ');
}

/** Members of an interface with their docstrings, read from the source, so that there is one text of each. */
function members(name: string): string {
  const source = readFileSync(path.join(SDK, 'storage-provider.ts'), 'utf8');
  const body = new RegExp(`export interface ${name}\\b[^{]*\\{\\n([\\s\\S]*?)\\n\\}\\n`).exec(source)?.[1];
  if (body === undefined) throw new Error(`no interface ${name} in the SDK`);
  const rows = [
    ...body.matchAll(/(?: {2}\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\n)? {2}(\w+)(\??)([:(][\s\S]*?);(?=\n|$)/g),
  ].map(([, doc = '', member = '', optional, rest = '']) => {
    const text = doc.replace(/^\s*\* ?/gm, ' ');
    return `| ${code(member)} | ${optional ? '' : 'yes'} | ${code(cell(rest.replace(/^:\s*/, '')))} | ${cell(text)} |`;
  });
  return `| member | required | type | meaning |\n| --- | --- | --- | --- |\n${rows.join('\n')}`;
}
