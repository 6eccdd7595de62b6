import { definePlugin } from 'streamhub/plugin-sdk';
import { r2Provider } from './r2.ts';

export default definePlugin({ storageProviders: [r2Provider()] });
