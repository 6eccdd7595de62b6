import path from 'node:path';
import { defineConfig, mergeConfig } from 'electron-vite';
import { rendererConfig } from './desktop/renderer/build/config.ts';

const root = import.meta.dirname;
const alias = { '#shared': path.join(root, 'shared'), '#desktop': path.join(root, 'desktop') };
/** electron-vite's own defaults suit pages from a file; these come from an origin, at any path of it. */
const fromOrigin = {
  build: { minify: true, rolldownOptions: { input: path.join(root, 'desktop/renderer/index.html') } },
  plugins: [{ name: 'streamhub:from-origin', enforce: 'post', config: () => ({ base: '/' }) }],
};

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
  ...(mode === 'host' ? {} : { renderer: mergeConfig(rendererConfig('desktop', root), fromOrigin) }),
}));
