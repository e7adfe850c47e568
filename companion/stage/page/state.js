// What the server has told: sections that are drawn when they change, and time and waves, which the
// canvas reads in every frame without anything being drawn anew.
import { useEffect, useState } from "preact/hooks";

const KEPT = 1024; // columns of a lane, as the server keeps them
const EASE = 0.1; // how much of a difference to the server's time each message makes good
const JUMP_MS = 200; // a difference that is not made good gradually
const STALE_MS = 1000; // without news for so long, time stands still

export let stage = { link: "connecting", said: [], refused: null };
export const live = { zero: null, heard: 0, rate: 48000, hop: 960, in: 0, out: 0, levels: [], lanes: [], ends: [] };

const watching = new Set();

export function change(parts) {
  stage = { ...stage, ...parts };
  for (const watch of watching) watch(stage);
}

export function useStage() {
  const [, draw] = useState(stage);
  useEffect(() => {
    watching.add(draw);
    draw(stage);
    return () => watching.delete(draw);
  }, []);
  return stage;
}

export function take(message) {
  if (message.kind === "hello") begin(message.opening);
  const told = message.kind === "hello" ? message.state : message;
  if (message.kind === "refused") change({ refused: { why: message.why, at: Date.now() } });
  else if (message.kind === "saved" || message.kind === "there") change({ saving: message });
  else if (message.kind === "opening") change({ link: "opening", said: message.said });
  else follow(told);
}

function begin(opening) {
  const lanes = 1 + opening.names.length;
  live.rate = opening.rate;
  live.hop = opening.hop;
  live.zero = null;
  live.lanes = Array.from({ length: lanes }, () => new Uint8Array(KEPT));
  live.ends = new Array(lanes).fill(0);
  change({ ...opening, link: "playing" });
}

function follow({ kind, moving, waves, ...parts }) {
  const now = performance.now();
  const zero = now - (moving.now / live.rate) * 1000;
  const jumps = live.zero === null || Math.abs(zero - live.zero) > JUMP_MS;
  live.zero = jumps ? zero : live.zero + EASE * (zero - live.zero);
  live.heard = now;
  Object.assign(live, { in: moving.in, out: moving.out, levels: moving.levels, bpm: moving.bpm });
  for (const [lane, first, peaks] of waves) put(lane, first, atob(peaks));
  if (Object.keys(parts).length) change(parts);
}

function put(lane, first, peaks) {
  const kept = live.lanes[lane];
  for (let i = 0; i < peaks.length; i++) kept[(first + i) % KEPT] = peaks.charCodeAt(i);
  live.ends[lane] = lane ? first + peaks.length : Math.max(live.ends[lane], first + peaks.length);
}

// The stream's position now, samples, smooth between messages.
export function position() {
  if (live.zero === null) return 0;
  const now = Math.min(performance.now(), live.heard + STALE_MS);
  return ((now - live.zero) / 1000) * live.rate;
}

export function peak(lane, column) {
  return live.lanes[lane][((column % KEPT) + KEPT) % KEPT];
}

// Bar, beat (from 0) and how far into the beat a sample is, by the bar lines.
export function placeOf(sample) {
  const lines = stage.place?.lines ?? [];
  let i = lines.length - 2;
  while (i > 0 && lines[i][1] > sample) i--;
  if (i < 0) return { bar: 0, beat: 0, phase: 0 };
  const [bar, start] = lines[i];
  const whole = lines[i + 1][1] - start;
  const at = Math.min(Math.max((sample - start) / whole, 0), 0.9999) * stage.beats;
  return { bar, beat: Math.floor(at), phase: at % 1 };
}
