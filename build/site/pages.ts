import path from 'node:path';
import { documents } from '../textlint/linter.ts';

export const ROOT = path.resolve(import.meta.dirname, '../..');

/** Groups of the sidebar, in order. A file is below the repository's root; a page's title is its first heading. */
const GROUPS: readonly [title: string, files: readonly string[]][] = [
  ['Start', ['docs/README.md', 'docs/quick-start.md', 'README.md', 'docs/glossary.md']],
  [
    'Operate',
    [
      'docs/guide-operators.md',
      'docs/install.md',
      'docs/console.md',
      'docs/tasks.md',
      'docs/desktop.md',
      'docs/operating.md',
      'docs/backups.md',
      'docs/cluster.md',
      'docs/monitoring.md',
      'docs/alerts.md',
      'docs/config-as-code.md',
      'docs/failures.md',
      'docs/performance.md',
    ],
  ],
  [
    'Integrate',
    [
      'docs/guide-integrators.md',
      'docs/api.md',
      'docs/clients.md',
      'docs/cli.md',
      'docs/livekit.md',
      'docs/mqtt.md',
      'docs/live-hls.md',
      'docs/pages.md',
      'docs/sessions.md',
      'docs/publishing.md',
      'docs/delivery.md',
    ],
  ],
  [
    'Recipes',
    [
      'docs/recipe-obs-hls-cdn.md',
      'docs/recipe-record-to-b2.md',
      'docs/recipe-three-nodes.md',
      'docs/recipe-embed-player.md',
      'docs/recipe-slack-alerts.md',
      'docs/recipe-upgrade.md',
    ],
  ],
  ['Write plugins', ['docs/guide-plugin-authors.md', 'docs/plugins.md', 'docs/plugin-reference.md']],
  [
    'Reference',
    [
      'docs/operations.md',
      'docs/events.md',
      'docs/config.md',
      'docs/settings.md',
      'docs/errors.md',
      'docs/permissions.md',
    ],
  ],
  ['Security', ['docs/security.md', 'SECURITY.md']],
  ['Contribute', ['docs/guide-contributors.md', 'CONTRIBUTING.md', 'ARCHITECTURE.md', 'CHANGELOG.md']],
];

/** Folders whose files need no place in the list: decisions and the READMEs beside the code. */
const LISTED_BY_NAME: readonly [title: string, pattern: RegExp][] = [
  ['Decisions', /^docs\/decisions\//],
  ['Parts of the code', /^(?:daemon|plugins|desktop)\//],
];

export interface Group {
  title: string;
  files: readonly string[];
}

/** Every document in the order of the sidebar. Throws when a document has no place there, or a place has no document. */
export function groups(): Group[] {
  const files = documents().map((file) => path.relative(ROOT, file).split(path.sep).join('/'));
  const all = [
    ...GROUPS.map(([title, listed]) => ({ title, files: listed })),
    ...LISTED_BY_NAME.map(([title, pattern]) => ({ title, files: files.filter((file) => pattern.test(file)) })),
  ];
  const placed = new Set(all.flatMap((group) => group.files));
  const homeless = files.filter((file) => !placed.has(file));
  if (homeless.length > 0) throw new Error(`build/site/pages.ts has no place for ${homeless.join(', ')}`);
  const gone = [...placed].filter((file) => !files.includes(file));
  if (gone.length > 0) throw new Error(`build/site/pages.ts names ${gone.join(', ')}, which is not there`);
  return all;
}

/** Where a document is in the site, without `.md`: `docs/api.md` → `api`, `daemon/media/README.md` → `code/daemon/media`. */
export function pageOf(file: string): string {
  if (file === 'docs/README.md') return 'index';
  if (file === 'README.md') return 'about';
  if (file === 'SECURITY.md') return 'security-policy';
  const name = file.replace(/\.md$/, '');
  if (name.startsWith('docs/')) return name.slice(5).replace(/\/README$/, '/index');
  if (!name.includes('/')) return name.toLowerCase();
  return `code/${name.replace(/\/README$/, '')}`;
}
