import path from 'node:path';
import { defineConfig } from 'electron-vite';
import { rendererConfig } from './desktop/renderer/build/config.ts';

const root = import.meta.dirname;
const alias = { '#shared': path.join(root, 'shared'), '#desktop': path.join(root, 'desktop') };

export default defineConfig({
  main: {
    resolve: { alias },
    build: {
      outDir: 'out/main',
      lib: { entry: path.join(root, 'desktop/main/index.ts'), formats: ['es'] },
    },
  },
  preload: {
    resolve: { alias },
    build: {
      outDir: 'out/preload',
      // one CommonJS file: the sandbox loads nothing else
      lib: { entry: path.join(root, 'desktop/preload/index.ts'), formats: ['cjs'] },
    },
  },
  renderer: rendererConfig('desktop'),
});
