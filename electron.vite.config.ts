import path from 'node:path';
import { defineConfig } from 'electron-vite';
import { rendererConfig } from './desktop/renderer/build/config.ts';

const root = import.meta.dirname;
const alias = { '#shared': path.join(root, 'shared'), '#desktop': path.join(root, 'desktop') };

/** `electron-vite build --mode host` leaves the renderer out. */
export default defineConfig(({ mode }) => ({
  main: {
    resolve: { alias },
    build: {
      outDir: 'out/main',
      // all JavaScript in, so that the package needs no node_modules but the native modules, which are loaded by name
      externalizeDeps: false,
      lib: { entry: path.join(root, 'desktop/main/index.ts'), formats: ['es'] },
    },
  },
  preload: {
    resolve: { alias },
    build: {
      outDir: 'out/preload',
      // one CommonJS file with everything in it: the sandbox loads nothing else
      externalizeDeps: false,
      isolatedEntries: true,
      lib: { entry: path.join(root, 'desktop/preload/index.ts'), formats: ['cjs'] },
      rollupOptions: { output: { entryFileNames: 'index.cjs' } },
    },
  },
  ...(mode === 'host' ? {} : { renderer: rendererConfig('desktop') }),
}));
