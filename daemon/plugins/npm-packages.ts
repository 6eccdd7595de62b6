import { readFile, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { MANIFEST_FILE } from '#shared/plugin-sdk/manifest.ts';
import { refusal } from '#shared/plugin-sdk/problems.ts';

const MAX_PACKAGES = 500;
const MAX_BYTES = 1024 * 1024;
const NAME = /^(?:@[a-z0-9-~][a-z0-9-._~]*\/)?[a-z0-9-~][a-z0-9-._~]*$/;

/** The keyword by which a package says that it is a plugin. */
const NPM_KEYWORD = 'streamhub-plugin';

interface Package {
  keywords?: unknown;
  dependencies?: unknown;
  optionalDependencies?: unknown;
}

/**
 * Plugins that were installed with npm: packages that the folder's own package.json depends on, which have the keyword
 * `streamhub-plugin` and a plugin.json at their root. A dependency of another package isn't one.
 */
export async function npmPlugins(root: string): Promise<{ name: string; folder: string }[]> {
  const own = await readPackage(root);
  const found: { name: string; folder: string }[] = [];
  for (const name of namesOf(own).sort()) {
    const folder = path.join(root, 'node_modules', name);
    const { keywords } = await readPackage(folder);
    if (!Array.isArray(keywords) || !keywords.includes(NPM_KEYWORD)) continue;
    if (await isFile(path.join(folder, MANIFEST_FILE))) found.push({ name, folder });
  }
  return found;
}

/** A package's folder and those of all packages that it depends on, as Node would resolve them; links followed. */
export async function packagesBelow(folder: string): Promise<string[]> {
  const folders = new Set<string>([folder]);
  for (const current of folders) {
    if (folders.size > MAX_PACKAGES)
      throw refusal('TOO_MANY_FILES', { detail: `${MAX_PACKAGES} packages that it depends on` });
    for (const name of namesOf(await readPackage(current))) {
      // the SDK comes from the host
      if (name === 'streamhub') continue;
      const found = await resolvePackage(current, name);
      if (found !== undefined) folders.add(found);
    }
  }
  return [...folders];
}

async function resolvePackage(from: string, name: string): Promise<string | undefined> {
  for (let dir = from; ; dir = path.dirname(dir)) {
    const place = path.join(dir, 'node_modules', name);
    if (await isFile(path.join(place, 'package.json'))) return realpath(place);
    // nothing above the folder of plugins belongs to a plugin
    if (path.basename(dir) === 'node_modules' || dir === path.dirname(dir)) {
      const shared = path.join(dir, name);
      if (path.basename(dir) === 'node_modules' && (await isFile(path.join(shared, 'package.json'))))
        return realpath(shared);
      return undefined;
    }
  }
}

async function readPackage(folder: string): Promise<Package> {
  try {
    const file = path.join(folder, 'package.json');
    if ((await stat(file)).size > MAX_BYTES) return {};
    const value: unknown = JSON.parse(await readFile(file, 'utf8'));
    return typeof value === 'object' && value !== null ? (value as Package) : {};
  } catch {
    return {};
  }
}

function namesOf({ dependencies, optionalDependencies }: Package): string[] {
  return [dependencies, optionalDependencies].flatMap((group) =>
    typeof group === 'object' && group !== null ? Object.keys(group).filter((name) => NAME.test(name)) : [],
  );
}

const isFile = (place: string): Promise<boolean> =>
  stat(place).then(
    (info) => info.isFile(),
    () => false,
  );
