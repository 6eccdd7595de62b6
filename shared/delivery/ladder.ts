import type { AppConfig } from '../config/defaults.ts';

/** One quality of a ladder: a picture size with its bit rates. */
export interface Rung {
  /** Pixels, even. */
  width: number;
  height: number;
  /** Kilobits a second. */
  bitrateKbps: number;
  audioKbps: number;
}

/** The size of a picture in pixels. */
export interface Size {
  width: number;
  height: number;
}

/** Usual H.264 bit rates in kbps by height, for 16:9 at 30 frames a second. */
const BITRATE_BY_HEIGHT: readonly (readonly [height: number, kbps: number])[] = [
  [2160, 12_000],
  [1440, 8000],
  [1080, 5000],
  [720, 2800],
  [480, 1400],
  [360, 800],
  [240, 500],
  [144, 250],
];

/** Encoders for 4:2:0 pictures need even sides. */
const even = (pixels: number): number => Math.max(2, 2 * Math.round(pixels / 2));

/**
 * Bit rate for a picture height. Between two usual heights the rate grows with the number of pixels.
 * @returns whole kilobits a second
 */
export function bitrateFor(height: number): number {
  const above = BITRATE_BY_HEIGHT.findLast(([known]) => known >= height) ?? [2160, 12_000];
  const below = BITRATE_BY_HEIGHT.find(([known]) => known <= height) ?? [144, 250];
  if (above[0] === below[0] || height > 2160) return above[1];
  if (height < 144) return below[1];
  const share = (height ** 2 - below[0] ** 2) / (above[0] ** 2 - below[0] ** 2);
  return Math.round(below[1] + share * (above[1] - below[1]));
}

/** A rung of the given height, as wide as the aspect ratio asks. */
export function rungOf(height: number, bitrateKbps = bitrateFor(height), aspect = 16 / 9): Rung {
  return {
    width: even(height * aspect),
    height: even(height),
    bitrateKbps,
    audioKbps: height >= 480 ? 128 : 96,
  };
}

/** The ladder of an app, highest first: `transcoding.vod_renditions`, or else the heights of `webrtc.layers`. */
export function ladderOf({ transcoding, webrtc }: Pick<AppConfig, 'transcoding' | 'webrtc'>): Rung[] {
  if (transcoding.vodRenditions.length > 0) {
    return transcoding.vodRenditions.map(({ height, bitrateKbps }) => rungOf(height, bitrateKbps));
  }
  const heights = [...new Set(webrtc.layers.map(({ height }) => height))].sort((a, b) => b - a);
  return heights.slice(0, MAX_RUNGS).map((height) => rungOf(height));
}

/** More rungs cost encoders and help no player. */
export const MAX_RUNGS = 5;

/**
 * The rungs that make sense for a source: none larger than the source, in its aspect ratio.
 * A source smaller than every rung gets one rung of its size.
 */
export function rungsWithin(rungs: readonly Rung[], source: Size): Rung[] {
  const aspect = source.width / source.height;
  // a portrait picture is measured by its shorter side, as the ladder means it
  const lines = Math.min(source.width, source.height);
  const fitting = rungs.filter(({ height }) => height <= lines);
  const wanted = fitting.length > 0 ? fitting : [{ height: lines, bitrateKbps: bitrateFor(lines) }];
  return wanted.map(({ height, bitrateKbps }) => {
    const scale = height / lines;
    const rung = rungOf(height, bitrateKbps, aspect);
    const within = (side: number) => Math.min(even(side * scale), Math.max(2, 2 * Math.floor(side / 2)));
    return { ...rung, width: within(source.width), height: within(source.height) };
  });
}
