import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { limitAnswers } from './s3/answer-limit.ts';
import { translateS3Error } from './s3/errors.ts';
import { wholeBody } from './whole-body.ts';

test('an answer that begins and does not end is a timeout, also where it sends a byte now and then', async (t) => {
  const server = http.createServer((request, response) => {
    response.writeHead(200, { 'content-type': 'application/xml' }).write('<?xml version="1.0"?>');
    if (!request.url?.includes('dripping')) return;
    const timer = setInterval(() => response.write(' '), 20);
    response.once('close', () => clearInterval(timer));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const credentials = { accessKeyId: 'key', secretAccessKey: 'secret' };
  const client = new S3Client({ region: 'us-east-1', endpoint, forcePathStyle: true, credentials });
  limitAnswers(client, 200);
  for (const Bucket of ['silent', 'dripping'])
    await assert.rejects(client.send(new ListObjectsV2Command({ Bucket })), (error) => {
      assert.equal(translateS3Error(error).code, 'TIMEOUT', Bucket);
      return true;
    });
});

test('a small body that does not end is a timeout; one that ends is whole', async () => {
  const open = new Readable({ read() {} });
  open.push('begun');
  await assert.rejects(wholeBody(open, 100, 50), { code: 'TIMEOUT' });
  assert.equal((await wholeBody(Readable.from([Buffer.from('whole')]), 100, 60_000)).toString(), 'whole');
});
