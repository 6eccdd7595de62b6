import { defineConfig } from 'vite';
import { rendererConfig } from './build/config.ts';

/** The web console: `npm run build:console`. Electron's build is in electron.vite.config.ts. */
export default defineConfig(rendererConfig('console'));
