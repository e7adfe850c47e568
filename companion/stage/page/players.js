// The lanes: the live mix, and each player with what a hand reaches for while it plays.
import { useEffect, useRef } from "preact/hooks";
import { Choice, Learnable, Switch, Trigger, labelOf } from "./controls.js";
import { html } from "./html.js";
import { onFrame } from "./frames.js";
import { live, useStage } from "./state.js";
import { Wave } from "./lanes.js";
import { isLocked, positionOf, soloed, stepOf, toggleSolo, turn, valueOf, written } from "./values.js";

// What stands in a player's lane; every other knob of the table is in the panel.
export const IN_LANE = ["instrument", "level", "mute", "hold", "again", "undo", "regenerate", "take"];
const SAYS = { regenerate: "new" };
const FALLBACKS = { "fewer steps": "fewer steps", "finished at once": "finished at once", "older plan": "older plan", repeat: "again", silence: "silence" };

export function Lanes() {
  const { names = [], players = [], devices } = useStage();
  return html`<main class="lanes">
    <section class="lane input" aria-label="the live mix">
      <div class="lane-head"><h2>live mix</h2><p title=${devices?.[0]}>${devices?.[0]}</p><${Meter} lane=${0} /></div>
      <${Wave} lane=${0} name="the live mix, with bars and the chords to come" />
      <div class="lane-hands input-hands"><${InputHands} /></div>
    </section>
    ${names.map((name, i) => html`<${Lane} key=${name} name=${name} number=${i} told=${players[i]} />`)}
  </main>`;
}

function InputHands() {
  const { table = [] } = useStage();
  return ["tap", "metronome"].map((name) => {
    const knob = table.find((each) => each.name === name);
    if (!knob) return null;
    const Control = knob.kind === "trigger" ? Trigger : Switch;
    return html`<${Learnable} knob=${knob} player=${null} quiet><${Control} knob=${knob} player=${null} /><//>`;
  });
}

function Lane({ name, number, told }) {
  const { table = [] } = useStage();
  const knob = (wanted) => table.find((each) => each.name === wanted && each.scope === "player");
  const muted = valueOf(name, "mute");
  const solo = soloed() === name;
  const wrapped = (wanted, Control, more = {}) =>
    knob(wanted) && html`<${Learnable} knob=${knob(wanted)} player=${name} quiet><${Control} knob=${knob(wanted)} player=${name} ...${more} /><//>`;
  return html`<section class="lane player-${number % 8} ${muted ? "muted" : ""}" aria-label=${name}>
    <div class="lane-head">
      <h2>${name}</h2>
      ${wrapped("instrument", Choice, { bare: true })}
      <p>${how(told)}</p>
      <${Meter} lane=${number + 1} />
    </div>
    <${Wave} lane=${number + 1} name=${described(name, told)} />
    <div class="lane-hands">
      ${wrapped("level", Level)}
      <div class="row">
        ${wrapped("mute", Switch)}
        <button type="button" class="button switch solo" aria-pressed=${solo} aria-label=${`solo, ${name}`} onClick=${() => toggleSolo(name)}>solo</button>
        ${wrapped("take", Choice, { bare: true })}
      </div>
      <div class="row">
        ${wrapped("hold", Switch)}
        ${["again", "undo", "regenerate"].map((each) => wrapped(each, Trigger, { text: SAYS[each] ?? each }))}
      </div>
    </div>
  </section>`;
}

// What sounds and at what price, in a line.
function how(told) {
  if (!told) return "";
  const parts = [told.sounding === null ? "listening" : told.sounding === "repeat" ? "again" : told.sounding];
  if (told.fallback !== "none" && FALLBACKS[told.fallback] !== parts[0]) parts.push(FALLBACKS[told.fallback]);
  if (told.slack !== null) parts.push(`slack ${told.slack.toFixed(1)} s`.replace("-", "−"));
  if (told.isr !== null) parts.push(`ISR ${Math.round(100 * told.isr)} %`);
  return html`<span class=${told.fallback === "none" ? "" : "fell-back"}>${parts[0]}</span>${parts.slice(1).map((each) => html`<span>${each}</span>`)}`;
}

function described(name, told) {
  const settled = told?.bars.filter(([, sounding, isSettled]) => isSettled && sounding).at(-1);
  const laid = told?.bars.filter(([, , , isLaid]) => isLaid).at(-1);
  return `${name}: ${told?.sounding ?? "listening"}${settled ? `, settled up to bar ${settled[0] + 1}` : ""}${laid ? `, planned up to bar ${laid[0] + 1}` : ""}`;
}

function Level({ knob, player }) {
  const value = valueOf(player, knob.name);
  if (value === undefined) return null;
  const text = written(knob, value);
  const filled = { style: { "--at": `${100 * positionOf(knob, value)}%` } };
  return html`<label class="level" ...${filled}>
    <span class="name">level</span>
    <input type="range" min=${knob.minimum} max=${knob.maximum} step=${stepOf(knob)} value=${value} disabled=${isLocked(knob)}
      aria-label=${labelOf(knob, player)} aria-valuetext=${`${text} ${knob.unit}`}
      onInput=${(event) => turn(player, knob.name, Number(event.target.value))} onDblClick=${() => turn(player, knob.name, knob.default)} />
    <output>${text}${text === "off" ? "" : html`<small> ${knob.unit}</small>`}</output>
  </label>`;
}

// Peak level, from -60 dB to full scale.
function Meter({ lane }) {
  const bar = useRef(null);
  useEffect(() => onFrame(() => {
    const level = lane ? live.levels[lane - 1] : live.in;
    const at = Math.max(0, 1 + (20 * Math.log10(Math.max(level ?? 0, 1e-5))) / 60);
    if (bar.current) bar.current.style.transform = `scaleX(${Math.min(at, 1)})`;
  }), [lane]);
  return html`<div class="meter" aria-hidden="true"><i ref=${bar}></i></div>`;
}
