import { getConfig, getRawConfig, listConfigBackups } from '#shared/contract/config.ts';
import type { Feature } from '../feature.ts';

export const config: Feature = { live: { refreshes: { config: [getRawConfig, getConfig, listConfigBackups] } } };
