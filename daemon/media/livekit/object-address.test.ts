import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keyIn, readAddress } from './object-address.ts';

const aws = { bucket: 'films', region: 'eu-west-1', endpoint: '', forcePathStyle: false };
const own = { bucket: 'films', region: 'us-east-1', endpoint: 'http://s3.example.test:9000', forcePathStyle: true };

test('takes addresses of every storage of the egress service apart', () => {
  for (const [location, storage, bucket, key] of [
    ['https://films.s3.amazonaws.com/a/b.mp4', 's3', 'films', 'a/b.mp4'],
    ['https://films.s3.eu-west-1.amazonaws.com/a/b.mp4', 's3', 'films', 'a/b.mp4'],
    ['https://my.films.s3-eu-west-1.amazonaws.com/b.mp4', 's3', 'my.films', 'b.mp4'],
    ['https://films.s3.dualstack.eu-west-1.amazonaws.com/b.mp4', 's3', 'films', 'b.mp4'],
    ['https://films.s3.cn-north-1.amazonaws.com.cn/b.mp4', 's3', 'films', 'b.mp4'],
    ['https://s3.eu-west-1.amazonaws.com/films/a/b.mp4', 's3', 'films', 'a/b.mp4'],
    ['https://s3.amazonaws.com/films/a/b.mp4', 's3', 'films', 'a/b.mp4'],
    ['s3://films/a/b.mp4', 's3', 'films', 'a/b.mp4'],
    ['gs://films/a/b.mp4', 'gcs', 'films', 'a/b.mp4'],
    ['https://films.storage.googleapis.com/a/b.mp4', 'gcs', 'films', 'a/b.mp4'],
    ['https://storage.googleapis.com/films/a/b.mp4', 'gcs', 'films', 'a/b.mp4'],
    ['https://account.blob.core.windows.net/films/a/b.mp4?sv=1&sig=secret', 'azure', 'films', 'a/b.mp4'],
    ['https://films.oss-eu-central-1.aliyuncs.com/a/b.mp4', 'alioss', 'films', 'a/b.mp4'],
    ['https://films.https://oss-eu-central-1.aliyuncs.com/a/b.mp4', 'alioss', 'films', 'a/b.mp4'],
    ['https://s3.example.test:9000/films/a%20b/c.mp4', 'unknown', 'films', 'a b/c.mp4'],
  ] as const) {
    const read = readAddress(location);
    assert.deepEqual([read?.storage, read?.bucket, read?.key], [storage, bucket, key], location);
  }
  for (const path of ['/var/lib/x.mp4', 'recordings/x.mp4', 'C:\\recordings\\x.mp4', 'C:/x.mp4', '']) {
    assert.equal(readAddress(path), undefined, path);
  }
});

test('an address is kept without what signs it', () => {
  const { address } = readAddress('https://key:secret@s3.example.test/films/a.mp4?X-Amz-Signature=abc#x') ?? {};
  assert.equal(address, 'https://s3.example.test/films/a.mp4');
});

test('finds the key in a bucket, however it is written, and in no other', () => {
  assert.equal(keyIn('https://s3.example.test:9000/films/a/b.mp4', own), 'a/b.mp4');
  assert.equal(keyIn('http://films.s3.example.test:9000/a/b.mp4?X-Amz-Signature=1', own), 'a/b.mp4');
  assert.equal(
    keyIn('https://s3.example.test:9000/films/a/what?#100%.mp4', own, 'a/what?#100%.mp4'),
    'a/what?#100%.mp4',
  );
  assert.equal(keyIn('https://films.s3.amazonaws.com/b.mp4', aws), 'b.mp4');
  assert.equal(keyIn('https://s3.eu-west-1.amazonaws.com/films/b.mp4', aws), 'b.mp4');
  assert.equal(
    keyIn('https://films.s3.amazonaws.com/b.mp4', { ...aws, endpoint: 'https://s3.eu-west-1.amazonaws.com' }),
    'b.mp4',
  );
  assert.equal(
    keyIn('https://gw.example.test/s3/films/b.mp4', { ...own, endpoint: 'https://gw.example.test/s3/' }),
    'b.mp4',
  );
  for (const other of [
    'https://s3.example.test:9000/films2/a.mp4',
    'https://s3.example.test:9000/other/films/a.mp4',
    'https://s3.example.test/films/a.mp4',
    'https://evil.test/films/a.mp4',
    'https://films.s3.example.test:9000.evil.test/a.mp4',
    'https://s3.example.test:9000@evil.test/films/a.mp4',
    'https://films.s3.amazonaws.com/a.mp4',
    's3://films/a.mp4',
    'https://s3.example.test:9000/films/',
    '/films/a.mp4',
  ]) {
    assert.equal(keyIn(other, own), null, other);
  }
  assert.equal(keyIn('https://films.s3.amazonaws.com.evil.test/a.mp4', aws), null);
  assert.equal(keyIn('https://s3.example.test:9000/films/a.mp4', aws), null);
});
