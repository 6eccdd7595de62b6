import path from 'node:path';
import react from '@vitejs/plugin-react';
import type { UserConfig } from 'vite';
import { precompress } from './precompress.ts';
import { slimContract } from './slim-contract.ts';

const HERE = path.resolve(import.meta.dirname, '../../..');

/** The one renderer build, for the daemon's web console and for Electron, whose configuration is bundled and has to say where it stands. */
export function rendererConfig(target: 'console' | 'desktop', root: string = HERE): UserConfig {
  return {
    root: path.join(root, 'desktop', 'renderer'),
    plugins: [slimContract(root), react(), ...(target === 'console' ? [precompress()] : [])],
    build: {
      outDir: path.join(root, 'out', target === 'console' ? 'console' : 'renderer'),
      emptyOutDir: true,
      target: 'es2023',
      cssMinify: true,
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      chunkSizeWarningLimit: 900,
      reportCompressedSize: false,
    },
  };
}
