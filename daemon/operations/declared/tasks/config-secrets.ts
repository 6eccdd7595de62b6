import { slugOf } from '#shared/config/defaults.ts';
import { secretSpans } from '#shared/config/mask.ts';
import { parseConfig } from '#shared/config/parse.ts';
import { referenceTo } from '../values.ts';

export interface ConfigSecretsInput {
  configs: readonly { app: string; text: string }[];
}
/** The text with references in place of secrets, and the stretch of text that each stands for. */
export type ConfigSecrets = { text: string; stretches: Record<string, string> } | null;

/** Replaces the secrets in configs by references. Null: the text can’t be read, so nobody can tell where its secrets are. */
export default async function configSecrets({ configs }: ConfigSecretsInput): Promise<ConfigSecrets[]> {
  return configs.map(({ app, text }) => {
    const parsed = parseConfig(text);
    if (parsed.root === null) return null;
    const stretches: Record<string, string> = {};
    let result = '';
    let from = 0;
    for (const { path, span, isPart } of secretSpans(parsed)) {
      const [start, end] = span;
      const words =
        path.length === 0 ? ['COMMENT'] : path.map((part) => part.toUpperCase().replace(/[^A-Z0-9]+/g, '_'));
      const base = ['APP', slugOf(app), ...words].join('_').slice(0, 110);
      let name = base;
      for (let number = 2; Object.hasOwn(stretches, name); number++) name = `${base}_${number}`;
      stretches[name] = text.slice(start, end);
      result += text.slice(from, start) + (isPart ? referenceTo(name) : `"${referenceTo(name)}"`);
      from = end;
    }
    return { text: result + text.slice(from), stretches };
  });
}
