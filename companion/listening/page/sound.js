// The sounds of the study: fetched whole, decoded, and played from their first sample.

import { element } from "/page/parts.js";

let context = null;
const loading = new Map();
let sounding = null;

/** Has to be called from a click or a key: before that browsers play nothing. */
export function wake() {
  context ??= new AudioContext();
  return context.resume();
}

export const audio = () => context;

/** A sound, decoded; fetched once. */
export function load(name) {
  if (!loading.has(name)) {
    const made = (async () => {
      const got = await fetch(`/audio/${name}`);
      if (!got.ok) throw new Error(`sound ${got.status}`);
      return context.decodeAudioData(await got.arrayBuffer());
    })();
    made.catch(() => loading.delete(name));
    loading.set(name, made);
    if (loading.size > 8) loading.delete(loading.keys().next().value);
  }
  return loading.get(name);
}

export function silence() {
  sounding?.stop();
}

/** Play a buffer; `onend(whole)` is told whether it was heard to its end. */
export function play(buffer, onend, onrun = () => {}) {
  silence();
  const source = new AudioBufferSourceNode(context, { buffer });
  source.connect(context.destination);
  const begun = context.currentTime;
  let over = false, frame = 0;
  const end = (whole) => {
    if (over) return;
    over = true;
    cancelAnimationFrame(frame);
    if (sounding === handle) sounding = null;
    onend(whole);
  };
  const run = () => {
    onrun(Math.min(1, (context.currentTime - begun) / buffer.duration));
    if (!over) frame = requestAnimationFrame(run);
  };
  const handle = { stop: () => { source.onended = null; source.stop(); end(false); } };
  source.onended = () => end(true);
  source.start();
  sounding = handle;
  run();
  return handle;
}

/** A button that plays a sound of the study, and stops it. `onheard` is called at its first end. */
export function player(name, label, { onheard, onplay, onfail }) {
  const run = element("i");
  const title = element("span", {}, `Play ${label}`);
  const hint = element("span", { class: "hint" }, "to be heard to its end");
  const made = element("button", { type: "button", class: "sound" },
    element("span", { class: "sign", "aria-hidden": "true" }),
    element("span", { class: "label" }, title, hint,
      element("span", { class: "run", "aria-hidden": "true" }, run)));
  let handle = null, heard = false, waiting = false;
  const look = (playing) => {
    made.classList.toggle("playing", playing);
    title.textContent = `${playing ? "Stop" : "Play"} ${label}`;
    hint.textContent = playing ? "playing" : heard ? "heard" : "to be heard to its end";
  };
  const toggle = async () => {
    if (handle) return handle.stop();
    if (waiting) return;
    waiting = true;
    hint.textContent = "loading";
    try {
      const [buffer] = await Promise.all([load(name), wake()]);
      if (!made.isConnected) return;
      onplay();
      handle = play(buffer, (whole) => {
        handle = null;
        const first = whole && !heard;
        heard ||= whole;
        look(false);
        run.style.transform = `scaleX(${heard ? 1 : 0})`;
        if (first) onheard();
      }, (share) => { run.style.transform = `scaleX(${share})`; });
      look(true);
    } catch {
      hint.textContent = "not loaded";
      onfail();
    } finally {
      waiting = false;
    }
  };
  made.onclick = toggle;
  return { made, toggle };
}
