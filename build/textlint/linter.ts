import { globSync } from 'node:fs';
import path from 'node:path';
import { createLinter, loadTextlintrc } from 'textlint';
import { RULES } from './rules.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');

/** Every document that people read, as absolute paths. */
export function documents(): string[] {
  const found = globSync(['*.md', 'docs/**/*.md', 'daemon/**/README.md', '{plugins,desktop}/**/README.md'], {
    cwd: ROOT,
    exclude: (name) => name === 'node_modules',
  });
  return found.sort().map((file) => path.join(ROOT, file));
}

/** textlint with this project's rules. */
export async function docsLinter(): Promise<ReturnType<typeof createLinter>> {
  const base = await loadTextlintrc({ configFilePath: path.join(import.meta.dirname, 'textlintrc.json') });
  const rules = Object.entries(RULES).map(([ruleId, rule]) => ({ ruleId, rule }));
  return createLinter({ descriptor: base.shallowMerge({ rules }) });
}
