// The knobs' values: as they are, as they are being turned, and where they lie on their curve.
import { ask } from "./connection.js";
import { change, stage } from "./state.js";

const HOLD_MS = 400; // so long the page shows what was asked for, until the server says what is so
const SEND_MS = 16;
const turning = new Map(); // what was asked for, by knob
const unsent = new Map();

const keyOf = (player, name) => `${player ?? ""}/${name}`;

export function valueOf(player, name) {
  const asked = turning.get(keyOf(player, name));
  const told = stage.knobs?.[player ?? ""]?.[name];
  return asked !== undefined && performance.now() < asked.until ? asked.value : told;
}

export function turn(player, name, value) {
  const key = keyOf(player, name);
  turning.set(key, { value, until: performance.now() + HOLD_MS });
  if (!unsent.has(key)) setTimeout(() => send(key), SEND_MS);
  unsent.set(key, { set: name, player: player ?? null, value });
  change({});
  setTimeout(() => change({}), HOLD_MS + 10);
}

function send(key) {
  ask(unsent.get(key));
  unsent.delete(key);
}

export function pull(player, name) {
  ask({ set: name, player: player ?? null, value: true });
}

export function isLocked(knob) {
  return knob.locks && Boolean(valueOf(null, "lock"));
}

// Solo mutes the others; let go, each is as it was. All pages have the same.
export const soloed = () => stage.solo ?? null;

export const toggleSolo = (player) => ask({ solo: player });

// --- curves --------------------------------------------------------------------------------------

export function positionOf(knob, value) {
  const { minimum: low, maximum: high } = knob;
  const at = knob.curve === "exponential" ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low);
  return Math.min(Math.max(at, 0), 1);
}

export function valueAt(knob, position) {
  const { minimum: low, maximum: high } = knob;
  const at = Math.min(Math.max(position, 0), 1);
  const value = knob.curve === "exponential" ? low * (high / low) ** at : low + (high - low) * at;
  const step = stepOf(knob);
  const rounded = Math.round(value / step) * step;
  return Math.min(Math.max(Number(rounded.toFixed(6)), low), high);
}

// The largest of 1, 2 and 5 times a power of ten that the range has 120 of.
export function stepOf(knob) {
  if (knob.kind === "whole") return 1;
  const wanted = (knob.maximum - knob.minimum) / 120;
  const power = 10 ** Math.floor(Math.log10(wanted) + 1e-9);
  return power * [5, 2, 1].find((each) => each * power <= wanted * 1.0001);
}

// A step up or down, of the value or, on a curve, of the position: at least one of the value.
export function stepped(knob, value, steps) {
  const step = stepOf(knob);
  const plain = value + steps * step;
  const curved = valueAt(knob, positionOf(knob, value) + steps / 60);
  const next = knob.curve === "exponential" && Math.abs(curved - value) >= step ? curved : plain;
  return Math.min(Math.max(Number(next.toFixed(6)), knob.minimum), knob.maximum);
}

export function written(knob, value) {
  if (value === undefined) return "";
  if (knob.unit === "dB" && value <= knob.minimum) return "off";
  const places = Math.max(0, -Math.floor(Math.log10(stepOf(knob)) + 1e-9));
  const text = Number(value).toFixed(knob.kind === "whole" ? 0 : places);
  return text.replace("-", "−");
}

export const wordsOf = (name) => name.replaceAll("_", " ");
