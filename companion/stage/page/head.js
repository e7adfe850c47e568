// What is read from two metres: bar and beat, the chord that is and the one that is next; then how
// the set goes, and who leads.
import { useEffect, useRef } from "preact/hooks";
import { html } from "./html.js";
import { LearnButton } from "./learn.js";
import { Switch } from "./controls.js";
import { onFrame } from "./frames.js";
import { live, placeOf, position, stage, useStage } from "./state.js";
import { ask } from "./connection.js";
import { valueOf } from "./values.js";
import { toggleTheme, useTheme } from "./theme.js";

const NEXT_CHORDS = 3;

export function Head() {
  return html`<header class="head">
    <h1 class="unseen">companion</h1>
    <${Count} /><${Chords} /><${Vitals} /><${Tools} />
  </header>`;
}

// Drawn by hand in every frame: nothing else changes when a beat does.
function Count() {
  const { beats, place, meter } = useStage();
  const bar = useRef(null);
  const beat = useRef(null);
  const pips = useRef(null);
  useEffect(() => {
    let shown = "";
    return onFrame(() => {
      const at = placeOf(position());
      const now = `${at.bar} ${at.beat} ${stage.place?.before ?? 0} ${stage.beats}`;
      if (now === shown || !beat.current) return;
      shown = now;
      bar.current.textContent = at.bar < 0 ? "–" : at.bar + 1 + (stage.place?.before ?? 0);
      beat.current.textContent = at.beat + 1;
      [...pips.current.children].forEach((pip, i) => pip.classList.toggle("on", i === at.beat));
    });
  }, []);
  const before = place?.before ?? 0;
  const of = place?.bars ? `of ${place.bars + before}` : "";
  const title = place?.bar < 0 ? "count-in" : "bar";
  return html`<section class="count" aria-label="bar and beat">
    <div class="figure"><b ref=${bar}>–</b><span>${title} ${of}</span></div>
    <div class="figure beat"><b ref=${beat}>–</b><span>beat in ${meter}</span></div>
    <div class="pips" ref=${pips} aria-hidden="true">${Array.from({ length: beats ?? 4 }, () => html`<i></i>`)}</div>
  </section>`;
}

function Chords() {
  const { chords } = useStage();
  const now = useRef(null);
  useEffect(() => {
    let shown = "";
    return onFrame(() => {
      const [current, next] = around();
      if (current + next.join() === shown || !now.current) return;
      shown = current + next.join();
      now.current.querySelector("b").textContent = current;
      [...now.current.querySelectorAll("li")].forEach((each, i) => (each.textContent = next[i] ?? ""));
    });
  }, [Boolean(chords?.length)]);
  if (!chords?.length) return html`<section class="chords none" aria-label="harmony"><span>no chart: it listens</span></section>`;
  return html`<section class="chords" aria-label="harmony" ref=${now}>
    <b aria-label="chord now"></b>
    <div class="next"><span>next</span><ol>${Array.from({ length: NEXT_CHORDS }, () => html`<li></li>`)}</ol></div>
  </section>`;
}

// The chord that sounds, and those that are next, without repeats.
function around() {
  const at = placeOf(position());
  const place = at.bar + (at.beat + at.phase) / (stage.beats ?? 4);
  const all = stage.chords ?? [];
  const begun = all.filter(([bar, inBar]) => bar + inBar <= place + 1e-6);
  const current = begun.at(-1)?.[2] ?? "–";
  const next = [];
  for (const [, , name] of all.slice(begun.length)) if (name !== (next.at(-1) ?? current)) next.push(name);
  return [current, next.slice(0, NEXT_CHORDS)];
}

function Vitals() {
  const { players = [], clock, knobs } = useStage();
  const slack = least(players.map((each) => each.slack));
  const isr = least(players.map((each) => each.isr));
  const bpm = live.bpm ? live.bpm.toFixed(1) : "–";
  const sure = clock?.name === "follow" ? `, ${Math.round(clock.sure * 100)} % sure` : "";
  const state = clock && !clock.running ? "stopped" : `${clock?.name ?? ""}${sure}`;
  const cycle = knobs ? valueOf(null, "cycle") : "–";
  return html`<section class="vitals" aria-label="how it goes">
    <${Vital} value=${bpm} unit="BPM" name="clock" more=${state} />
    <${Vital} value=${cycle} unit=${cycle === 1 ? "bar" : "bars"} name="cycle" more=${clock?.holds === false ? "broken" : ""} bad=${clock?.holds === false} />
    <${Vital} value=${slack === null ? "–" : slack.toFixed(1).replace("-", "−")} unit="s" name="slack" bad=${slack !== null && slack < 0} />
    <${Vital} value=${isr === null ? "–" : Math.round(isr * 100)} unit="%" name="ISR" bad=${isr !== null && isr < 0.9} />
  </section>`;
}

const least = (numbers) => numbers.reduce((a, b) => (b === null ? a : a === null ? b : Math.min(a, b)), null);

function Vital({ value, unit, name, more = "", bad = false }) {
  return html`<div class="vital ${bad ? "bad" : ""}"><span>${name}${more && html` <em>${more}</em>`}</span><b>${value}${value !== "–" && html`<small> ${unit}</small>`}</b></div>`;
}

function Tools() {
  const { table = [], presets, coming } = useStage();
  const chosen = coming || presets?.[0]; // though it may have to wait for its bar line
  const theme = useTheme();
  const lock = table.find((knob) => knob.name === "lock");
  return html`<nav class="tools" aria-label="tools">
    ${presets && html`<span class="select"><select aria-label="preset" value=${chosen} onChange=${(event) => ask({ preset: event.target.value })}>
      ${presets.slice(1).map((each) => html`<option value=${each} selected=${each === chosen}>${each}</option>`)}</select></span>`}
    ${lock && html`<${Switch} knob=${lock} player=${null} />`}
    <${LearnButton} />
    <button type="button" class="button tool theme" aria-label=${theme === "dark" ? "light colours" : "dark colours"} onClick=${toggleTheme}>${theme === "dark" ? "☀" : "☾"}</button>
  </nav>`;
}
