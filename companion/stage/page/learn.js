// Learning controllers: what a knob's controller is, which knob waits for one, what clashes.
import { ask } from "./connection.js";
import { html } from "./html.js";
import { useStage } from "./state.js";
import { wordsOf } from "./values.js";

const ALL = "*";
const KINDS = { cc: "CC", cc14: "14-bit CC", nrpn: "NRPN", bend: "pitch bend" };
const WHOLE_CHANNEL = ["bend", "pressure"];

const isOf = (each, player, knob) => each.knob === knob && (each.player === player || (player !== null && each.player === ALL));
const known = ({ clashes, waits, ...mapping }) => mapping; // what the server knows it by

export function nameOf({ kind, number, channel }) {
  const what = KINDS[kind] ?? kind.replaceAll("_", " ");
  return `${what}${WHOLE_CHANNEL.includes(kind) ? "" : ` ${number}`}${channel ? ` ch ${channel}` : ""}`;
}

const targetOf = (player, knob) => `${wordsOf(knob)}${player === ALL ? " of every player" : player ? ` of ${player}` : ""}`;

export function useLearning(player, knob) {
  const { learn } = useStage();
  const [of, name] = learn?.chosen ?? [null, null];
  return {
    on: Boolean(learn?.on),
    chosen: Boolean(learn?.on) && name === knob && of === player,
    choose: () => ask({ learn: "choose", player, knob }),
  };
}

// A knob's controller or a dash; pressed, it is learnt.
export function Badge({ knob, player, quiet }) {
  const { learn } = useStage();
  if (!learn || (quiet && !learn.on)) return null;
  const mine = learn.mappings.filter((each) => isOf(each, player, knob.name));
  const waits = mine.flatMap((each) => each.waits).find(([of]) => of === player);
  const clashes = mine.flatMap((each) => each.clashes);
  const text = mine.length ? nameOf(mine.at(-1)) : "–";
  const state = `${waits ? "waits" : ""} ${clashes.length ? "clashes" : ""}`;
  const onClick = () => {
    if (!learn.on) ask({ learn: "enter" });
    ask({ learn: "choose", player, knob: knob.name });
  };
  const now = mine.length ? `now ${mine.map((each) => `${nameOf(each)} of ${each.device ?? "any device"}`).join(" and ")}` : "none yet";
  const more = `${waits ? `, waits until it comes to ${waits[1]}` : ""}${clashes.length ? `, turns ${clashes.join(", ")} as well` : ""}`;
  return html`<button type="button" class="badge ${state}" title=${more.slice(2)} onClick=${onClick}
    aria-label=${`learn a controller for ${targetOf(player, knob.name)}, ${now}${more}`}>${text}${waits ? " ↕" : ""}</button>`;
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
  const what = learn.chosen ? html`Move a controller for <b>${targetOf(...learn.chosen)}</b>.` : "Choose a knob, then move a controller.";
  return html`<section class="learn-bar" aria-label="MIDI learn">
    <p role="status">${what}${learn.trouble && html` <strong class="unkept">Not kept: ${learn.trouble}</strong>`}</p>
    ${learn.mappings.length > 0 && html`<ul class="mappings" tabindex="0" aria-label="controllers">
      ${learn.mappings.map((each) => html`<li class=${each.clashes.length ? "clashes" : ""}>
        <span><b>${nameOf(each)}</b> ${targetOf(each.player, each.knob)} ${each.device && html`<small>${each.device}</small>`}</span>
        <button type="button" class="button small" aria-label=${`forget ${nameOf(each)} for ${targetOf(each.player, each.knob)}`}
          onClick=${() => ask({ learn: "forget", mapping: known(each) })}>×</button></li>`)}
    </ul>`}
    <button type="button" class="button" onClick=${() => ask({ learn: "leave" })}>done</button>
  </section>`;
}
