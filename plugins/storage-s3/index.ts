import { definePlugin } from 'streamhub/plugin-sdk';
import { aws } from './aws.ts';
import { minio } from './minio.ts';
import { wasabi } from './wasabi.ts';

export default definePlugin({ storageProviders: [aws, wasabi, minio] });
