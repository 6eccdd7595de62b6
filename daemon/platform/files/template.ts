import { readFileSync } from 'node:fs';
import { assetPath } from '../paths.ts';

/**
 * Text of a template that ships with the code, with each `{{name}}` replaced. Values are inserted as they are: a caller
 * that fills HTML escapes them.
 * @param name path below `daemon/`, see `assetPath`
 * @throws Error for a placeholder without a value
 */
export function fillTemplate(name: string, values: Record<string, string>): string {
  return readFileSync(assetPath(name), 'utf8').replace(/\{\{(\w+)\}\}/g, (_match, key: string) => {
    const value = values[key];
    if (value === undefined) throw new Error(`the template ${name} needs a value for ${key}`);
    return value;
  });
}
