// Learning controllers: what a knob's controller is, which knob waits for one, what clashes.
import { ask } from "./connection.js";
import { html } from "./html.js";
import { useStage } from "./state.js";
import { wordsOf } from "./values.js";

const KINDS = { cc: "CC", note: "note", nrpn: "NRPN", cc14: "CC", program: "program", bend: "bend", pressure: "pressure" };

const isOf = (each, player, knob) => (each.player ?? null) === (player ?? null) && each.knob === knob;
const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

export function nameOf(mapping) {
  const channel = mapping.channel ? `${mapping.channel}/` : "";
  return `${channel}${KINDS[mapping.kind] ?? "CC"} ${mapping.number ?? ""}`.trim();
}

export function useLearning(player, knob) {
  const { learn } = useStage();
  const [of, name] = learn?.chosen ?? [null, null];
  return {
    on: Boolean(learn?.on),
    chosen: Boolean(learn?.on) && name === knob && (of ?? null) === (player ?? null),
    choose: () => ask({ learn: "choose", player: player ?? null, knob }),
  };
}

// A knob's controller or a dash; pressed, it is learnt.
export function Badge({ knob, player, quiet }) {
  const { learn } = useStage();
  if (!learn || (quiet && !learn.on)) return null;
  const mapping = learn.mappings.find((each) => isOf(each, player, knob.name));
  const waits = learn.waits.some(([of, name]) => isOf({ player: of, knob: name }, player, knob.name));
  const clashes = mapping && learn.clashes.some((each) => same(each, mapping));
  const text = mapping ? nameOf(mapping) : "–";
  const state = `${waits ? "waits" : ""} ${clashes ? "clashes" : ""} ${mapping ? "" : "free"}`;
  const onClick = () => {
    if (!learn.on) ask({ learn: "enter" });
    ask({ learn: "choose", player: player ?? null, knob: knob.name });
  };
  const of = player ? ` of ${player}` : "";
  const now = mapping ? `now ${text} of ${mapping.device}` : "none yet";
  const more = waits ? ", waits until the controller is where the knob is" : clashes ? ", which turns another knob too" : "";
  return html`<button type="button" class="badge ${state}" onClick=${onClick}
    aria-label=${`learn a controller for ${wordsOf(knob.name)}${of}, ${now}${more}`}>${text}${waits ? " ↕" : ""}</button>`;
}

export function LearnButton() {
  const { learn } = useStage();
  if (!learn) return null;
  return html`<button type="button" class="button tool" aria-pressed=${learn.on}
    onClick=${() => ask({ learn: learn.on ? "leave" : "enter" })}>learn</button>`;
}

// While learn mode is on: what to do, and the list of all controllers.
export function LearnBar() {
  const { learn } = useStage();
  if (!learn?.on) return null;
  const [player, knob] = learn.chosen ?? [null, null];
  const what = knob ? html`Move a controller for <b>${wordsOf(knob)}${player ? `, ${player}` : ""}</b>.` : "Choose a knob, then move a controller.";
  return html`<section class="learn-bar" aria-label="MIDI learn">
    <p role="status">${what}</p>
    ${learn.mappings.length > 0 && html`<ul class="mappings">
      ${learn.mappings.map((each) => html`<li class=${learn.clashes.some((other) => same(other, each)) ? "clashes" : ""}>
        <b>${nameOf(each)}</b> ${wordsOf(each.knob)}${each.player ? `, ${each.player}` : ""} <small>${each.device}</small>
        <button type="button" class="button small" aria-label=${`forget ${nameOf(each)} of ${wordsOf(each.knob)} ${each.player ?? ""}`}
          onClick=${() => ask({ learn: "forget", mapping: each })}>×</button></li>`)}
    </ul>`}
    <button type="button" class="button" onClick=${() => ask({ learn: "leave" })}>done</button>
  </section>`;
}
