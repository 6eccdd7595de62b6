// `npm run package:desktop`: the desktop app for this machine's system, in dist/. Native modules are taken as they are
// installed, so each system is packaged on a separate machine kind.
import { execFileSync } from 'node:child_process';
import { copyFileSync } from 'node:fs';
import path from 'node:path';
import { lock } from './fuses.mjs';

const root = path.resolve(import.meta.dirname, '../..');
/** Loaded by name at run time, each optional. */
const NATIVE = ['keytar', 'node-pty', '@napi-rs'];

/** Packages that the daemon needs at run time. */
function productionPackages() {
  const args = ['ls', '--omit=dev', '--omit=optional', '--all', '--parseable'];
  const list = execFileSync('npm', args, { cwd: root, encoding: 'utf8', shell: process.platform === 'win32' });
  const folders = list.split('\n').map((folder) => path.relative(root, folder).split(path.sep).join('/'));
  return [...new Set(folders.flatMap((folder) => /^node_modules\/(.*)/.exec(folder)?.[1] ?? []))];
}

/** The daemon of "this computer", beside the app's own archive: Node runs it, from files. */
const daemon = () => [
  {
    from: root,
    to: 'streamhub',
    filter: [
      ...['out/daemon/**', 'out/edge/**', 'out/console/**', 'plugins/**', 'shared/**', 'build/install/**'],
      '!**/*.test.ts',
    ],
  },
  {
    from: path.join(root, 'node_modules'),
    to: 'streamhub/node_modules',
    filter: [
      ...productionPackages().map((folder) => `${folder}/**`),
      ...['!**/*.map', '!node/node_modules/**', '!better-sqlite3/deps/**', '!better-sqlite3/src/**'],
    ],
  },
];

/** Locks the program, and gives the daemon its package.json: as an extra resource it would be missing from the app itself. */
async function afterPack(context) {
  copyFileSync(
    path.join(root, 'package.json'),
    path.join(context.packager.getResourcesDir(context.appOutDir), 'streamhub', 'package.json'),
  );
  await lock(context);
}

export default {
  appId: 'org.streamhub.desktop',
  productName: 'StreamHub',
  directories: { buildResources: path.join(root, 'build', 'desktop'), output: path.join(root, 'dist') },
  files: [
    'package.json',
    'out/main/**',
    'out/preload/**',
    'out/renderer/**',
    'build/icons/*.png',
    '!**/*.map',
    '!**/node_modules/**',
    ...NATIVE.map((name) => `**/node_modules/${name}/**`),
  ],
  extraResources: daemon(),
  asar: true,
  asarUnpack: ['**/*.node', '**/node_modules/node-pty/**'],
  npmRebuild: false,
  nodeGypRebuild: false,
  afterPack,
  icon: path.join(root, 'build', 'icons', 'icon.png'),
  protocols: [{ name: 'StreamHub', schemes: ['streamhub'] }],
  publish: null,
  mac: {
    category: 'public.app-category.developer-tools',
    target: ['dmg', 'zip'],
    hardenedRuntime: true,
    entitlements: path.join(root, 'build', 'desktop', 'entitlements.mac.plist'),
    entitlementsInherit: path.join(root, 'build', 'desktop', 'entitlements.mac.plist'),
    darkModeSupport: true,
  },
  win: { target: ['nsis', 'zip'] },
  nsis: {
    oneClick: false,
    perMachine: false,
    allowToChangeInstallationDirectory: true,
    deleteAppDataOnUninstall: false,
  },
  linux: {
    target: ['AppImage', 'tar.gz'],
    category: 'Network',
    icon: path.join(root, 'build', 'icons'),
    synopsis: 'One window for every StreamHub daemon',
    executableName: 'streamhub-desktop',
  },
};
