import { operations } from '#shared/contract/index.ts';
import type { Operation } from '#shared/contract/operation.ts';

const cell = (text: string): string => text.replace(/\|/g, '\\|');
const accessOf = ({ access }: Operation): string => (typeof access === 'string' ? access : access.permission);

/** docs/operations.md: every operation of the API, by section. */
export function operationsDoc(): string {
  const tags = [...new Set(operations.map(({ tag }) => tag))];
  const sections = tags.map((tag) => {
    const rows = operations
      .filter((operation) => operation.tag === tag)
      .map(
        (operation) =>
          `| \`${operation.method} ${operation.root ? '' : '/api/v1'}${cell(operation.path)}\` | ${cell(operation.summary)} | \`${accessOf(operation)}\` |`,
      );
    return `## ${tag}\n\n| request | what it does | access |\n| --- | --- | --- |\n${rows.join('\n')}\n`;
  });
  return `# Operations of the API

This is the list. The reader at \`/api/v1/docs\` of your daemon shows each operation with its fields, answers and errors, and can try it.
\`/api/v1/openapi.json\` is the same as data. The column "access" has a permission or a kind of access: [Permissions](permissions.md) explains both.

${sections.join('\n')}`;
}
