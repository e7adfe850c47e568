// The waves: what was heard and played to the left of the line, what is to come to its right.
//
// Full: it has sounded or is settled. Faint: it is laid, and a better plan may still take its place.
// A hatched band: a plan for it is being made. Words say the same where there is room.
import { useEffect, useRef } from "preact/hooks";
import { isCalm, onFrame } from "./frames.js";
import { html } from "./html.js";
import { live, peak, placeOf, position, stage } from "./state.js";
import { valueOf } from "./values.js";

const PAST_BARS = 2;
const AHEAD_BARS = 4;
const MOST_PAST_S = 10;
const MOST_AHEAD_S = 9;
const STRIP_PX = 3;
const HEAD_PX = 20; // above the waves, for words

const WORDS = { plan: "", "older plan": "older plan", repeat: "again", silence: "silence" };

export function Wave({ lane, name }) {
  const canvas = useRef(null);
  useEffect(() => onFrame(() => canvas.current && draw(canvas.current, lane)), [lane]);
  return html`<canvas class="wave" ref=${canvas} role="img" aria-label=${name}></canvas>`;
}

function windowNow() {
  const now = position();
  const lines = stage.place.lines;
  const at = placeOf(now);
  const here = lines.find(([bar]) => bar === at.bar) ?? lines[0];
  const next = lines.find(([bar]) => bar === at.bar + 1) ?? lines[1];
  const bar = next[1] - here[1];
  const past = Math.min(PAST_BARS * bar, MOST_PAST_S * live.rate);
  const ahead = Math.min(AHEAD_BARS * bar, MOST_AHEAD_S * live.rate);
  if (!isCalm()) return { now, left: now - past, right: now + ahead };
  const turned = here[1] - ((at.bar % 2) + 2) % 2 * bar; // stands still for two bars, then turns over
  return { now, left: turned - bar, right: turned - bar + past + ahead };
}

let colours = {};
let coloured = "";

function coloursNow(canvas) {
  const theme = document.documentElement.dataset.theme;
  if (coloured !== theme) {
    const style = getComputedStyle(canvas);
    const of = (name) => style.getPropertyValue(name).trim();
    colours = { ink: of("--ink"), soft: of("--soft"), faint: of("--faint"), line: of("--line"), now: of("--now") };
    colours.players = Array.from({ length: 8 }, (_, i) => of(`--player-${i}`));
    coloured = theme;
  }
  return colours;
}

function draw(canvas, lane) {
  if (!stage.place || !live.lanes.length) return;
  const ratio = Math.min(devicePixelRatio || 1, 2);
  const { clientWidth: width, clientHeight: height } = canvas;
  if (canvas.width !== Math.round(width * ratio)) canvas.width = Math.round(width * ratio);
  if (canvas.height !== Math.round(height * ratio)) canvas.height = Math.round(height * ratio);
  const pen = canvas.getContext("2d");
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, width, height);
  const view = { ...windowNow(), width, height };
  view.x = (sample) => ((sample - view.left) / (view.right - view.left)) * width;
  const ink = coloursNow(canvas);
  const bars = barsIn(view);
  for (const bar of bars) drawLine(pen, view, bar, ink);
  if (lane) drawPlayer(pen, view, lane, bars, ink);
  else drawInput(pen, view, bars, ink);
  drawNow(pen, view, ink);
}

function barsIn(view) {
  const lines = stage.place.lines;
  const found = [];
  for (let i = 0; i + 1 < lines.length; i++) {
    const [bar, start] = lines[i];
    const end = lines[i + 1][1];
    if (end > view.left && start < view.right) found.push({ bar, start, end });
  }
  return found;
}

function drawLine(pen, view, { bar, start, end }, ink) {
  pen.fillStyle = ink.line;
  for (let beat = 0; beat < stage.beats; beat++) {
    pen.globalAlpha = beat ? 0.45 : 1;
    pen.fillRect(Math.round(view.x(start + ((end - start) * beat) / stage.beats)), HEAD_PX - 4, 1, view.height);
  }
  pen.globalAlpha = 1;
}

function drawInput(pen, view, bars, ink) {
  const end = Math.min(live.ends[0] * live.hop, view.now);
  columns(pen, view, 0, view.left, end, ink.soft, 1);
  for (const { bar, start } of bars) {
    if (bar >= 0) word(pen, String(bar + 1 + stage.place.before), view.x(start) + 5, ink.faint);
  }
  pen.font = "600 15px Inter, system-ui, sans-serif";
  let before = null;
  for (const [bar, inBar, name] of stage.chords ?? []) {
    const lies = bars.find((each) => each.bar === bar);
    if (!lies) continue;
    const at = lies.start + inBar * (lies.end - lies.start);
    if (at > view.now && name !== before) {
      pen.fillStyle = ink.ink;
      pen.fillText(name, view.x(at) + 6, HEAD_PX + (view.height - HEAD_PX) / 2 + 5);
    }
    before = name;
  }
}

function drawPlayer(pen, view, lane, bars, ink) {
  const player = stage.players[lane - 1];
  const colour = ink.players[(lane - 1) % ink.players.length];
  const muted = Boolean(valueOf(player.name, "mute"));
  const told = new Map(player.bars.map((each) => [each[0], each]));
  let said = ""; // what several bars are is said once
  for (const { bar, start, end } of bars) {
    const [, sounding, settled, laid, coming] = told.get(bar) ?? [bar, null, bar < stage.place.bar, false, false];
    const from = view.x(start) + 1;
    const to = view.x(end) - 1;
    const shown = colour;
    if (coming && !settled) hatch(pen, from, to, view, shown);
    if (laid || settled) {
      const played = Math.min(Math.max(view.now, start), end);
      columns(pen, view, lane, start, played, shown, muted ? 0.25 : bar === stage.place.bar ? 1 : 0.62);
      columns(pen, view, lane, played, end, shown, (settled ? 0.8 : 0.36) * (muted ? 0.35 : 1));
      pen.globalAlpha = settled ? 0.9 : 0.4;
      pen.fillStyle = shown;
      if (laid && sounding !== "silence") pen.fillRect(from, view.height - STRIP_PX, to - from, STRIP_PX);
    }
    pen.globalAlpha = 1;
    const says = wordFor(sounding, settled, laid, coming, bar);
    if (says !== said) said = word(pen, says, Math.max(from, 0) + 5, ink.soft, Math.min(to, view.width) - 4) ? says : "";
  }
}

function wordFor(sounding, settled, laid, coming, bar) {
  if (settled) return sounding === null ? (laid ? "" : bar >= 0 ? "listening" : "") : WORDS[sounding];
  if (coming) return laid ? "planning anew" : "planning";
  return laid ? "planned" : "";
}

function columns(pen, view, lane, from, to, colour, alpha) {
  const first = Math.max(Math.floor(Math.max(from, view.left) / live.hop), 0);
  const last = Math.ceil(Math.min(to, view.right) / live.hop);
  const wide = (live.hop / (view.right - view.left)) * view.width;
  const middle = HEAD_PX + (view.height - HEAD_PX - STRIP_PX) / 2;
  const most = (view.height - HEAD_PX - STRIP_PX) / 2 - 2;
  pen.globalAlpha = alpha;
  pen.fillStyle = colour;
  pen.beginPath();
  for (let column = first; column < last; column++) {
    const size = Math.max((peak(lane, column) / 255) * most, 0.6);
    pen.rect(view.x(column * live.hop), middle - size, Math.max(wide - 0.6, 0.8), 2 * size);
  }
  pen.fill();
  pen.globalAlpha = 1;
}

function hatch(pen, from, to, view, colour) {
  pen.save();
  pen.beginPath();
  pen.rect(from, HEAD_PX, to - from, view.height - HEAD_PX);
  pen.clip();
  pen.globalAlpha = 0.16;
  pen.strokeStyle = colour;
  pen.lineWidth = 2;
  pen.beginPath();
  for (let x = from - view.height; x < to; x += 11) {
    pen.moveTo(x, view.height);
    pen.lineTo(x + view.height, 0);
  }
  pen.stroke();
  pen.restore();
}

// A word above the waves, if there is room for it; whether there was.
function word(pen, text, x, colour, until = Infinity) {
  pen.font = "500 12px Inter, system-ui, sans-serif";
  pen.fillStyle = colour;
  const fits = x + pen.measureText(text).width <= until;
  if (fits) pen.fillText(text, x, 13);
  return fits;
}

function drawNow(pen, view, ink) {
  const x = Math.round(view.x(view.now));
  pen.fillStyle = ink.now;
  pen.fillRect(x - 1, 0, 2, view.height);
}
