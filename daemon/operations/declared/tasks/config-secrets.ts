import { slugOf } from '#shared/config/defaults.ts';
import { secretSpans } from '#shared/config/mask.ts';
import { type ParsedConfig, parseConfig } from '#shared/config/parse.ts';
import { freeName, referenceTo } from '../values.ts';

export interface ConfigSecretsInput {
  configs: readonly { app: string; text: string }[];
}
/** The text with references in place of secrets, and the secrets by the names of their references. */
export type ConfigSecrets = { text: string; secrets: Record<string, NamedSecret> } | null;
export interface NamedSecret {
  value: string;
  /** As the text has it, with its quotes. */
  source: string;
}

/** Replaces the secrets in configs by references. Null: the text can’t be read, so nobody can tell where its secrets are. */
export default async function configSecrets({ configs }: ConfigSecretsInput): Promise<ConfigSecrets[]> {
  return configs.map(({ app, text }) => withReferences(app, parseConfig(text)));
}

export function withReferences(app: string, parsed: ParsedConfig): ConfigSecrets {
  if (parsed.root === null) return null;
  const { text } = parsed;
  const secrets: Record<string, NamedSecret> = {};
  let result = '';
  let from = 0;
  for (const { path, span, value, isPart } of secretSpans(parsed)) {
    const [start, end] = span;
    const words = path.length === 0 ? ['COMMENT'] : path;
    const name = freeName(['APP', slugOf(app), ...words], (one) => Object.hasOwn(secrets, one));
    // the line breaks after a block belong to the text around it
    const source = text.slice(start, end).trimEnd();
    secrets[name] = { value, source };
    result += text.slice(from, start) + (isPart ? referenceTo(name) : `"${referenceTo(name)}"`);
    from = start + source.length;
  }
  return { text: result + text.slice(from), secrets };
}
