// What is wrong, or how it is set up while nothing is; and what went wrong since the set began.
import { html } from "./html.js";
import { Save } from "./save.js";
import { useStage } from "./state.js";

const GRAVE = ["news", "small", "a part is out", "serious"];
const REFUSED_MS = 6000;

export function Trouble() {
  const { trouble = [], refused, link, said = [], devices, rate, clock, preset } = useStage();
  const told = refused && Date.now() < refused.at + REFUSED_MS ? [{ severity: 1, text: refused.why, over: false, times: 1 }, ...trouble] : trouble;
  if (link === "lost") return html`<${Strip} severity="3" text="the companion does not answer; trying again" />`;
  return html`<section class="trouble" aria-label="what goes wrong">
    <div role="status">${told.slice(0, 2).map((each) => html`<${Line} each=${each} />`)}</div>
    ${told.length === 0 && html`<p class="well"><span>${preset}</span>
      <span>${devices?.join(" → ")}</span><span>${rate / 1000} kHz</span>
      ${clock?.trip ? html`<span>round trip ${((1000 * clock.trip) / rate).toFixed(1)} ms</span>` : ""}
      ${clock?.xruns ? html`<span>${clock.xruns} blocks lost</span>` : ""}
      ${said.filter((each) => each.startsWith("MIDI") || each.startsWith("OSC")).map((each) => html`<span>${each}</span>`)}</p>`}
  </section>`;
}

function Strip({ severity, text }) {
  return html`<section class="trouble" aria-label="what goes wrong"><div role="status"><p class="told severity-${severity}">${text}</p></div></section>`;
}

function Line({ each }) {
  const often = each.times > 1 ? html` <small>${each.times} times</small>` : "";
  return html`<p class="told severity-${each.severity} ${each.over ? "over" : ""}"><b>${each.over ? "over" : GRAVE[each.severity]}</b> ${each.text}${often}</p>`;
}

// The tab of the set: what went wrong in it, what was opened, and what comes out.
export function Log() {
  const { log = [], said = [] } = useStage();
  return html`<div class="log">
    <${Save} />
    <section><h3>what went wrong</h3>
      ${log.length === 0 ? html`<p>Nothing so far.</p>` : html`<ul>${log.map((each) => html`<li class="severity-${each.severity}">
        <time>${clockTime(each.since)}</time> ${each.text}${each.times > 1 ? ` (${each.times} times)` : ""}${each.over ? " – over" : ""}</li>`)}</ul>`}
    </section>
    <section><h3>what was opened</h3><ul>${said.map((line) => html`<li>${line}</li>`)}</ul></section>
  </div>`;
}

function clockTime(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}
