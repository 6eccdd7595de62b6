// Builds the documentation that the daemon serves at /docs. A link that leads nowhere fails the build.
// Usage: node build/build-site.ts [FOLDER]; by default out/site.
import path from 'node:path';
import { build } from 'vitepress';
import { precompressFolder } from '#desktop/renderer/build/precompress.ts';
import { checkSite } from './site/check.ts';
import { stage } from './site/stage.ts';

const root = path.resolve(import.meta.dirname, '..');
const folder = path.resolve(process.argv[2] ?? path.join(root, 'out', 'site'));
stage(path.join(root, 'out', 'site-pages'));
await build(path.join(import.meta.dirname, 'site'), { outDir: folder });
checkSite(folder);
await precompressFolder(folder);
