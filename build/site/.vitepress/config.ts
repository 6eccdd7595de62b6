import path from 'node:path';
import { defineConfig } from 'vitepress';
import { diagram } from '../diagrams.ts';
import { slug } from '../markdown.ts';
import { groups, pageOf, ROOT } from '../pages.ts';
import { titleOf } from '../stage.ts';
import { tokens } from '../tokens.ts';

const TOKENS = 'virtual:tokens.css';

/** Documents of `docs/` and the code as one site. `build/build-site.ts` puts them in place first. */
export default defineConfig({
  title: 'StreamHub',
  description: 'Documentation of StreamHub, a control plane for self-hosted LiveKit',
  lang: 'en',
  base: '/docs/',
  srcDir: path.join(ROOT, 'out/site-pages'),
  cacheDir: path.join(ROOT, 'node_modules/.cache/vitepress'),
  cleanUrls: true,
  // in a file, so that pages have only two scripts inside them, whose hashes the daemon's policy names
  metaChunk: true,
  head: [['link', { rel: 'icon', href: '/docs/icon.png' }]],
  markdown: {
    anchor: { slugify: slug },
    theme: { light: 'github-light-high-contrast', dark: 'github-dark-high-contrast' },
    // not a language of the highlighter
    languageAlias: { caddyfile: 'nginx', console: 'shellsession' },
    config: (md) => {
      // what looks like a tag or a placeholder in a document is text
      md.set({ html: false });
      const fence = md.renderer.rules.fence;
      md.renderer.rules.fence = (tokens, index, ...rest) => {
        const { info, content } = tokens[index] ?? {};
        return info === 'mermaid' ? diagram(content ?? '', index) : (fence?.(tokens, index, ...rest) ?? '');
      };
    },
  },
  vite: {
    plugins: [
      {
        name: 'streamhub:tokens',
        resolveId: (id) => (id === TOKENS ? `\0${TOKENS}` : undefined),
        load: (id) => (id === `\0${TOKENS}` ? tokens() : undefined),
      },
    ],
    // the repository's own settings name targets that this Vite doesn't know
    esbuild: { tsconfigRaw: '{}' },
    build: { chunkSizeWarningLimit: 2000, assetsInlineLimit: 0 },
    logLevel: 'warn',
  },
  themeConfig: {
    logo: '/icon.png',
    search: { provider: 'local', options: { detailedView: false } },
    nav: [
      { text: 'Quick start', link: '/quick-start' },
      { text: 'Recipes', link: '/recipe-obs-hls-cdn', activeMatch: '/recipe-' },
      { text: 'API reference', link: '/api-reference', target: '_self' },
    ],
    sidebar: groups().map(({ title, files }) => ({
      text: title,
      items: files.map((file) => ({ text: titleOf(file), link: `/${pageOf(file).replace(/(^|\/)index$/, '$1')}` })),
    })),
    outline: { level: [2, 3] },
    externalLinkIcon: false,
  },
});
