// Every knob that stands nowhere else, a tab for each player and one for the rig.
import { useState } from "preact/hooks";
import { Knob } from "./controls.js";
import { html } from "./html.js";
import { IN_LANE } from "./players.js";
import { Log } from "./trouble.js";
import { useStage } from "./state.js";

const ELSEWHERE = ["lock", "tap", "metronome"]; // with the tools, and beside the live mix
const RIG = "rig";
const SET = "set";
const ORDER = ["number", "whole", "choice", "switch", "trigger"]; // dials stand together

export function Panel() {
  const { names = [], table = [] } = useStage();
  const [chosen, choose] = useState(null);
  const tabs = [...names.map((name) => [`player ${name}`, name]), [RIG, "rig"], [SET, "set"]];
  const now = tabs.some(([id]) => id === chosen) ? chosen : tabs[0][0];
  const player = now.startsWith("player ") ? now.slice(7) : null;
  const number = names.indexOf(player);
  const onKeyDown = (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const next = tabs[(tabs.findIndex(([id]) => id === now) + step + tabs.length) % tabs.length][0];
    choose(next);
    event.currentTarget.children[tabs.findIndex(([id]) => id === next)].focus();
  };
  const mine = (knob) => (player === null ? knob.scope === "rig" && !ELSEWHERE.includes(knob.name) : knob.scope === "player" && !IN_LANE.includes(knob.name));
  const place = (knob) => ORDER.indexOf(knob.kind === "whole" ? "number" : knob.kind);
  const shown = table.filter(mine).sort((a, b) => place(a) - place(b));
  return html`<section class="panel ${number >= 0 ? `player-${number % 8}` : ""}" aria-label="knobs">
    <div class="tabs" role="tablist" aria-label="knobs of" onKeyDown=${onKeyDown}>
      ${tabs.map(([id, name], i) => html`<button type="button" role="tab" id=${`tab-${i}`} aria-controls="knobs" class=${i < names.length ? `player-${i % 8}` : ""}
        aria-selected=${id === now} tabindex=${id === now ? 0 : -1} onClick=${() => choose(id)}>${name}</button>`)}
    </div>
    <div class="knobs" role="tabpanel" id="knobs" aria-labelledby=${`tab-${tabs.findIndex(([id]) => id === now)}`}>
      ${now === SET ? html`<${Log} />` : shown.map((knob) => html`<${Knob} key=${`${now}/${knob.name}`} knob=${knob} player=${player} />`)}
    </div>
  </section>`;
}
