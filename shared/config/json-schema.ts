import { ConfigFile } from './schema.ts';

type Json = Record<string, unknown>;
let made: Json | undefined;

/** JSON Schema of config.yaml for editors: every key is optional, unknown ones are allowed. */
export function configJsonSchema(): Json {
  made ??= {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    ...(withoutRequired(ConfigFile as unknown as Json, false) as Json),
  };
  return made;
}

/** Entries of lists keep what they require. */
function withoutRequired(schema: unknown, isEntry: boolean): unknown {
  if (Array.isArray(schema)) return schema.map((item) => withoutRequired(item, isEntry));
  if (typeof schema !== 'object' || schema === null) return schema;
  const copy: Json = {};
  for (const [key, value] of Object.entries(schema)) {
    if (key === 'required' && !isEntry) continue;
    copy[key] = key === 'default' ? value : withoutRequired(value, isEntry || key === 'items');
  }
  return copy;
}
