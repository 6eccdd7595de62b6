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
    // relative to <base>, so that one build serves at any path
    base: './',
    plugins: [slimContract(root), react(), ...(target === 'console' ? [precompress()] : [])],
    build: {
      outDir: path.join(root, 'out', target === 'console' ? 'console' : 'renderer'),
      emptyOutDir: true,
      target: 'es2023',
      cssMinify: true,
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      chunkSizeWarningLimit: 900,
      rolldownOptions: {
        output: {
          codeSplitting: {
            groups: [
              // what every page needs, in one file: a first load asks for few
              {
                name: 'base',
                test: /node_modules[\\/](?:react|react-dom|scheduler|zustand|use-sync-external-store|@tanstack|@floating-ui|@mantine[\\/](?:core|hooks))[\\/]/,
              },
              {
                name: 'parts',
                test: /[\\/]desktop[\\/]renderer[\\/](?:ui|app|api|daemon|host|problems)[\\/](?!.*(?:palette-dialog|schema-|time-chart))|[\\/]shared[\\/](?:client|contract)[\\/]/,
              },
              { name: 'icons', test: /node_modules[\\/]@tabler[\\/]/ },
            ],
          },
        },
      },
      reportCompressedSize: false,
    },
  };
}
