import { existsSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Layout } from './layout.ts';

export type Scope = 'system' | 'user';

export const AGENT_UNIT = 'streamhub-edge.service';
export const LIVEKIT_UNIT = 'streamhub-livekit.service';
/** Exit code of an agent whose node was removed: it is not started again. */
export const EXIT_REMOVED = 10;

/** Does systemd manage this machine? */
export const hasSystemd = (): boolean => existsSync('/run/systemd/system');

export const systemctl = (scope: Scope, ...args: string[]): string[] => (scope === 'user' ? ['--user', ...args] : args);

export function unitFolder(scope: Scope): string {
  if (scope === 'system') return '/etc/systemd/system';
  return path.join(process.env['XDG_CONFIG_HOME'] || path.join(os.homedir(), '.config'), 'systemd', 'user');
}

/** One word of a unit file's ExecStart. */
export function unitWord(text: string): string {
  const escaped = text.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/%/g, '%%').replace(/\$/g, '$$$$');
  return /^[\w@%+=:,./-]+$/.test(escaped) ? escaped : `"${escaped}"`;
}

const unitPath = (file: string): string => file.replace(/%/g, '%%');

/** A file for EnvironmentFile=. A proxy's password is there and not in the unit, which every user can read. */
export const environmentFile = (variables: Record<string, string>): string =>
  Object.entries(variables)
    .map(([name, value]) => `${name}="${value.replace(/[\\"$`]/g, '\\$&')}"\n`)
    .join('');

/** The systemd of a user has no network target. */
const network = (scope: Scope): string =>
  scope === 'system' ? 'Wants=network-online.target\nAfter=network-online.target\n' : '';

/** What neither program needs (systemd.exec(5)); a user's manager can take it away too. */
const CONFINED = `NoNewPrivileges=yes
LockPersonality=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
UMask=0077
`;

/** What only the system's manager can take away. Devices stay: the agent reads the load of GPUs. */
const CONFINED_BY_SYSTEM = `DevicePolicy=closed
DeviceAllow=char-drm rw
DeviceAllow=char-nvidia* rw
PrivateMounts=yes
PrivateTmp=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHome=read-only
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectSystem=strict
RestrictNamespaces=yes
SystemCallErrorNumber=EPERM
SystemCallFilter=@system-service
`;

/**
 * The agent's unit: always running, unless the node was removed. Before each start the former agent, if there is one, puts its
 * file back when the new one's trial is over.
 */
export function agentUnit(layout: Layout, node: string, scope: Scope): string {
  return `[Unit]
Description=StreamHub edge agent
${network(scope)}
[Service]
ExecStartPre=-${[node, layout.agentPrevious, 'take-back', '--prefix', layout.root].map(unitWord).join(' ')}
ExecStart=${[node, layout.agent, 'run', '--prefix', layout.root].map(unitWord).join(' ')}
Restart=always
RestartSec=3
RestartPreventExitStatus=${EXIT_REMOVED}
${CONFINED}${scope === 'system' ? `${CONFINED_BY_SYSTEM}${agentOfSystem(layout)}` : ''}
[Install]
WantedBy=${scope === 'system' ? 'multi-user.target' : 'default.target'}
`;
}

/** It stays root to command systemd, writes into its folder only, and ends a LiveKit that runs as another user. */
const agentOfSystem = (layout: Layout): string => `CapabilityBoundingSet=CAP_KILL
ReadWritePaths=${unitWord(layout.root)}
`;

/**
 * LiveKit's unit. Not enabled by itself: the agent starts it, so that a node that was drained before a reboot stays
 * empty. A normal end (after draining) isn't a failure, a crash is.
 */
export function livekitUnit(layout: Layout, binary: string, scope: Scope, hasAuthorities: boolean): string {
  const isSystem = scope === 'system';
  const config = isSystem ? '%d/livekit.yaml' : unitWord(layout.livekitConfig);
  // the folder of both files is readable by root only
  const authorities = `LoadCredential=ca.pem:${unitPath(layout.authorities)}
Environment=SSL_CERT_FILE=%d/ca.pem
`;
  const confined = `DynamicUser=yes
LoadCredential=livekit.yaml:${unitPath(layout.livekitConfig)}
${hasAuthorities ? authorities : ''}${CONFINED_BY_SYSTEM}PrivateDevices=yes
AmbientCapabilities=CAP_NET_BIND_SERVICE
CapabilityBoundingSet=CAP_NET_BIND_SERVICE
MemoryDenyWriteExecute=yes
ProtectProc=invisible
`;
  return `[Unit]
Description=LiveKit server of this StreamHub edge node
${network(scope)}StartLimitIntervalSec=0

[Service]
ExecStart=${unitWord(binary)} --config ${config}
EnvironmentFile=-${unitPath(layout.livekitEnv)}
Restart=on-failure
RestartSec=2
KillMode=mixed
TimeoutStopSec=30
LimitNOFILE=500000
${CONFINED}${isSystem ? confined : ''}`;
}
