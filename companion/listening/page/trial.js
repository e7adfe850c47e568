// One trial: a sound to rate, or two to choose from.

import { button, choices, element, keys, say, show } from "/page/parts.js";
import { player, silence } from "/page/sound.js";

const RATING = {
  title: "How well does the added instrument fit the rest of the music?",
  labels: ["the sound"],
  note: "If you hear beeps, choose how many there are.",
  legend: "It fits",
  options: ["not at all", "poorly", "fairly", "well", "perfectly"].map((text, n) => (
    { value: n + 1, mark: String(n + 1), text })),
};
const PAIR = {
  title: "Which of the two added instruments fits the rest of the music better?",
  labels: ["A", "B"],
  note: "If one of them has beeps, choose that one.",
  legend: "This one fits better",
  options: [{ value: 1, mark: "A", text: "the first" }, { value: 2, mark: "B", text: "the second" }],
};

/** Resolves to {value, seconds, plays} when the trial has been answered. */
export function ask(trial) {
  const asked = trial.kind === "pair" ? PAIR : RATING;
  return new Promise((resolve) => {
    const begun = performance.now();
    let plays = 0, unheard = trial.sounds.length, chosen = null;
    const next = button("Next", () => {
      next.disabled = true;
      off();
      silence();
      resolve({ value: chosen, seconds: (performance.now() - begun) / 1000, plays });
    });
    next.disabled = true;
    const scale = choices(asked.legend, asked.options, (value) => {
      chosen = value;
      next.disabled = false;
    });
    const players = trial.sounds.map((name, n) => player(name, asked.labels[n], {
      onplay: () => { plays += 1; },
      onfail: () => say("The sound could not be loaded. Please try again.", true),
      onheard: () => {
        unheard -= 1;
        if (unheard) return say("Heard. Now play the other one.");
        scale.box.disabled = false;
        say("You can answer now, or listen again.");
      },
    }));
    const numbers = Object.fromEntries(asked.options.map(({ value }) => [value, () => scale.choose(value)]));
    const sounds = trial.kind === "pair"
      ? { a: players[0].toggle, b: players[1].toggle } : { " ": players[0].toggle };
    const off = keys({ ...numbers, ...sounds, enter: () => { if (!next.disabled) next.click(); } });
    show(asked.title, [
      element("div", { class: "sounds" }, ...players.map(({ made }) => made)),
      scale.box,
      element("p", { class: "soft" }, asked.note),
      element("div", { class: "row" }, next),
      hints(trial.kind),
    ], trial.practice ? [element("span", { class: "tag" }, "Practice: this does not count")] : []);
  });
}

function hints(kind) {
  const key = (text) => element("kbd", {}, text);
  return kind === "pair"
    ? element("p", { class: "keys" }, key("A"), " and ", key("B"), " play, ", key("1"), " and ", key("2"),
      " choose, ", key("Enter"), " goes on")
    : element("p", { class: "keys" }, key("Space"), " plays, ", key("1"), " to ", key("5"), " choose, ",
      key("Enter"), " goes on");
}
