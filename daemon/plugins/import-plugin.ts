import { registerHooks } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Plugin } from '#shared/plugin-sdk/plugin.ts';
import { refusal } from '#shared/plugin-sdk/problems.ts';

const SDK = /^streamhub\/plugin-sdk(?:\/(s3|conformance))?$/;
let resolvesSdk = false;
let imported: string | undefined;

/** URL of the module that is being loaded, or was loaded last. */
export const lastImported = (): string | undefined => imported;

/** Lets plugins outside of StreamHub's own folder import its SDK by name. */
function installResolver(bundledSdk: string | null): void {
  if (resolvesSdk) return;
  resolvesSdk = true;
  registerHooks({
    resolve: (specifier, context, next) => {
      const match = SDK.exec(specifier);
      if (match === null) {
        const found = next(specifier, context);
        imported = found.url;
        return found;
      }
      if (bundledSdk === null) return next(specifier, { ...context, parentURL: import.meta.url });
      const file = path.join(bundledSdk, `${match[1] ?? 'index'}.js`);
      return { url: pathToFileURL(file).href, format: 'module', shortCircuit: true };
    },
  });
}

/**
 * Imports a plugin's code. The rule where that may be: built-in plugins are part of StreamHub and are imported in worker
 * threads; any other plugin only in a separate process (`process-main/main.ts`). Never on the event loop.
 * @param bundledSdk folder of the bundle's SDK; null in a clone
 */
export async function importPlugin(entry: string, bundledSdk: string | null): Promise<Plugin> {
  installResolver(bundledSdk);
  const module = (await import(entry)) as { default?: unknown };
  const plugin = module.default;
  if (typeof plugin !== 'object' || plugin === null) throw refusal('CODE_NO_EXPORT');
  return plugin as Plugin;
}
