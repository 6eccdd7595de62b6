import { createHash } from 'node:crypto';
import type { S3Client } from '@aws-sdk/client-s3';

/** Headers of the SDK's own checksums. Backblaze B2 and others answer 400 to them. */
const SDK_CHECKSUM = /^x-amz-(?:sdk-checksum-algorithm|checksum-(?!mode)|trailer$)/i;

/** Makes a client send Content-MD5, which every S3 service knows, where the SDK would send checksums of its own. */
export function sendContentMd5(client: S3Client): void {
  client.middlewareStack.add(
    (next) => (args) => {
      const request = args.request as { headers: Record<string, string>; body?: unknown };
      const names = Object.keys(request.headers).filter((name) => SDK_CHECKSUM.test(name));
      for (const name of names) delete request.headers[name];
      const { body } = request;
      if (names.length > 0 && (typeof body === 'string' || body instanceof Uint8Array))
        request.headers['content-md5'] = createHash('md5').update(body).digest('base64');
      return next(args);
    },
    // after the SDK's checksums and before the signature
    { name: 'contentMd5', step: 'build', priority: 'low' },
  );
}
