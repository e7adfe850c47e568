// One control for each kind of knob in the table. Which kind a knob is, is all they ask of it.
import { useRef } from "preact/hooks";
import { html } from "./html.js";
import { Badge, useLearning } from "./learn.js";
import { isLocked, positionOf, pull, stepped, turn, valueAt, valueOf, wordsOf, written } from "./values.js";

const DRAG_PX = 190; // over so many pixels a dial goes from end to end
const FINE = 0.2; // with shift
const SEGMENTS = 3; // choices up to which all are shown
const START_DEGREES = -135;
const WHOLE_DEGREES = 270;

const KINDS = { number: Dial, whole: Dial, switch: Switch, trigger: Trigger, choice: Choice };

// A knob as it stands in the panel: control, name, controller.
export function Knob({ knob, player }) {
  const Control = KINDS[knob.kind];
  const wide = knob.kind === "choice" ? "wide" : "";
  return html`<div class="knob ${knob.kind} ${wide}" title=${`${knob.description} Acts: ${knob.acts}.`}>
    <${Learnable} knob=${knob} player=${player}><${Control} knob=${knob} player=${player} /><//>
  </div>`;
}

// Around every control: in learn mode it is chosen instead of moved, and its controller is shown.
export function Learnable({ knob, player, children, quiet = false }) {
  const { on, chosen, choose } = useLearning(player, knob.name);
  const instead = (event) => {
    if (!on || event.target.closest(".badge")) return;
    if (event.type === "keydown" && !["Enter", " ", "ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight"].includes(event.key)) return;
    event.preventDefault();
    event.stopPropagation();
    if (event.type !== "pointerdown") choose();
  };
  const taken = { onPointerDownCapture: instead, onClickCapture: instead, onKeyDownCapture: instead };
  return html`<div class="learnable ${on ? "learning" : ""} ${chosen ? "chosen" : ""}" ...${taken}>
    ${children}
    <${Badge} knob=${knob} player=${player} quiet=${quiet} />
  </div>`;
}

export const labelOf = (knob, player, text = wordsOf(knob.name)) => (player ? `${text}, ${player}` : text);

// Drag up or to the right; arrows step, page keys leap, delete goes to the default.
function Dial({ knob, player }) {
  const dragged = useRef(null);
  const value = valueOf(player, knob.name);
  if (value === undefined) return null;
  const locked = isLocked(knob);
  const set = (next) => !locked && turn(player, knob.name, next);
  const at = positionOf(knob, value);
  const from = knob.minimum < 0 && knob.maximum > 0 && knob.unit !== "dB" ? positionOf(knob, 0) : 0;
  const keys = {
    ArrowUp: () => stepped(knob, value, 1),
    ArrowRight: () => stepped(knob, value, 1),
    ArrowDown: () => stepped(knob, value, -1),
    ArrowLeft: () => stepped(knob, value, -1),
    PageUp: () => stepped(knob, value, 10),
    PageDown: () => stepped(knob, value, -10),
    Home: () => knob.minimum,
    End: () => knob.maximum,
    Delete: () => knob.default,
  };
  const onKeyDown = (event) => {
    if (!keys[event.key]) return;
    event.preventDefault();
    set(keys[event.key]());
  };
  const onPointerDown = (event) => {
    event.currentTarget.setPointerCapture(event.pointerId);
    event.currentTarget.focus({ focusVisible: false });
    dragged.current = { x: event.clientX, y: event.clientY, at };
  };
  const onPointerMove = (event) => {
    const drag = dragged.current;
    if (!drag) return;
    const moved = event.clientX - drag.x + (drag.y - event.clientY);
    drag.at = Math.min(Math.max(drag.at + (moved / DRAG_PX) * (event.shiftKey ? FINE : 1), 0), 1);
    Object.assign(drag, { x: event.clientX, y: event.clientY });
    set(valueAt(knob, drag.at));
  };
  const onPointerUp = () => (dragged.current = null);
  const hands = { onKeyDown, onPointerDown, onPointerMove, onPointerUp, onPointerCancel: onPointerUp, onDblClick: () => set(knob.default) };
  const text = written(knob, value);
  return html`<div class="dial ${locked ? "locked" : ""}" role="slider" tabindex="0" aria-label=${labelOf(knob, player)}
      aria-valuemin=${knob.minimum} aria-valuemax=${knob.maximum} aria-valuenow=${value}
      aria-valuetext=${`${text} ${knob.unit}`.trim()} aria-disabled=${locked} ...${hands}>
    <svg viewBox="0 0 64 64" aria-hidden="true">
      <path class="track" d=${arc(0, 1)} />
      <path class="filled" d=${arc(Math.min(from, at), Math.max(from, at))} />
      <circle class="default" cx=${pointAt(positionOf(knob, knob.default), 30)[0]} cy=${pointAt(positionOf(knob, knob.default), 30)[1]} r="1.3" />
    </svg>
    <span class="value">${text}<small>${text === "off" ? "" : knob.unit && ` ${knob.unit}`}</small></span>
    <span class="name">${wordsOf(knob.name)}</span>
  </div>`;
}

function pointAt(position, radius) {
  const radians = ((START_DEGREES + WHOLE_DEGREES * position) * Math.PI) / 180;
  return [32 + radius * Math.sin(radians), 32 - radius * Math.cos(radians)];
}

function arc(from, to) {
  const [x, y] = pointAt(from, 24);
  const [u, v] = pointAt(Math.max(to, from + 0.0001), 24);
  return `M ${x} ${y} A 24 24 0 ${(to - from) * WHOLE_DEGREES > 180 ? 1 : 0} 1 ${u} ${v}`;
}

export function Switch({ knob, player, text = wordsOf(knob.name) }) {
  const on = Boolean(valueOf(player, knob.name));
  const locked = isLocked(knob);
  return html`<button type="button" class="button switch ${knob.name}" role="switch" aria-checked=${on} aria-disabled=${locked}
      aria-label=${labelOf(knob, player)} title=${knob.description} onClick=${() => !locked && turn(player, knob.name, !on)}>${text}</button>`;
}

export function Trigger({ knob, player, text = wordsOf(knob.name) }) {
  const button = useRef(null);
  const locked = isLocked(knob);
  const onClick = () => {
    if (locked) return;
    pull(player, knob.name);
    button.current.animate?.([{ filter: "brightness(1.8)" }, { filter: "none" }], 250);
  };
  return html`<button type="button" ref=${button} class="button trigger ${knob.name}" aria-disabled=${locked}
      aria-label=${labelOf(knob, player, text)} title=${knob.description} onClick=${onClick}>${text}</button>`;
}

export function Choice({ knob, player, bare = false }) {
  const value = valueOf(player, knob.name);
  const locked = isLocked(knob);
  const name = `${player ?? ""}/${knob.name}`;
  const set = (next) => !locked && turn(player, knob.name, next);
  const title = bare ? "" : html`<span class="name" aria-hidden="true">${wordsOf(knob.name)}</span>`;
  if (knob.choices.length > SEGMENTS) {
    return html`<label class="choice">
      <span class="select"><select aria-label=${labelOf(knob, player)} value=${value} disabled=${locked} onChange=${(event) => set(event.target.value)}>
        ${knob.choices.map((each) => html`<option value=${each} selected=${each === value}>${each}</option>`)}
      </select></span>${title}
    </label>`;
  }
  return html`<div class="choice"><div class="segments" role="radiogroup" aria-label=${labelOf(knob, player)}>
      ${bare && html`<span class="of" aria-hidden="true">${wordsOf(knob.name)}</span>`}
      ${knob.choices.map((each) => html`<label class=${each === value ? "on" : ""}>
        <input type="radio" name=${name} value=${each} checked=${each === value} disabled=${locked} onChange=${() => set(each)} />
        <span>${each}</span></label>`)}
    </div>${title}</div>`;
}
