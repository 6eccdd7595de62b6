import { hideSecrets } from '#shared/secrets.ts';
import type { Parts } from './parts.ts';

/** What was tried and found, for a report to anyone who helps. Addresses are in it, credentials are not. */
export async function report(parts: Parts): Promise<string> {
  const { shell, connections, keychain, localDaemon, terminals } = parts;
  const { connections: list, problem } = connections.list();
  const key = await keychain.state();
  const local = localDaemon.state;
  const terminal = await terminals.available();
  const lines = [
    `StreamHub ${shell.versions.app} on ${process.platform} ${process.arch}`,
    `Electron ${shell.versions.electron ?? 'none'}, Chrome ${shell.versions.chrome ?? 'none'}, Node ${process.versions.node}`,
    `Written ${new Date().toISOString()}`,
    '',
    `Keychain: ${key.state} (${key.service}, ${key.module ?? 'no module'}): ${key.message}`,
    `Terminal: ${terminal.available ? 'available' : terminal.reason}`,
    `Local daemon: ${local.status}${local.version === null ? '' : `, ${local.version}`}${local.error === null ? '' : `: ${local.error.message}`}`,
    ...local.output.map((line) => `  ${line}`),
    ...(problem === null ? [] : [`Connections file: ${problem.message}`]),
    '',
    `${list.length} connections`,
  ];
  for (const { name, url, credential, pinned, state } of list) {
    lines.push(
      '',
      `${name} <${url}>`,
      `  ${state.status} since ${state.since}, last seen ${state.lastSeenAt ?? 'never'}, version ${state.version ?? 'unknown'}`,
      `  events ${state.live ? 'live' : 'not live'}, ${credential.kind} kept in ${credential.kept}${pinned === null ? '' : `, certificate pinned ${pinned.since}`}`,
    );
    if (state.error !== null) {
      const { code, message, hint, at } = state.error;
      lines.push(`  ${at} ${code}: ${message}${hint === undefined ? '' : ` ${hint}`}`);
    }
  }
  // what was found may quote an address or a log line
  return `${hideSecrets(lines.join('\n'), '[redacted]', true)}\n`;
}
