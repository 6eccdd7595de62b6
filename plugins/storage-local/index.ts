import { definePlugin } from 'streamhub/plugin-sdk';
import { local } from './local.ts';

export default definePlugin({ storageProviders: [local] });
