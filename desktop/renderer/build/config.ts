import path from 'node:path';
import react from '@vitejs/plugin-react';
import type { UserConfig } from 'vite';
import { precompress } from './precompress.ts';
import { slimContract } from './slim-contract.ts';

const ROOT = path.resolve(import.meta.dirname, '../../..');

/** The one renderer build, for the daemon's web console and for Electron. */
export function rendererConfig(target: 'console' | 'desktop'): UserConfig {
  return {
    root: path.join(ROOT, 'desktop', 'renderer'),
    plugins: [slimContract(ROOT), react(), ...(target === 'console' ? [precompress()] : [])],
    build: {
      outDir: path.join(ROOT, 'out', target === 'console' ? 'console' : 'renderer'),
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
