// The headphones check of Woods et al. (2017): of three tones one is quieter; another one has its two
// channels against each other, and over loudspeakers that one seems the quietest.

import { button, choices, element, keys, page, say, show } from "/page/parts.js";
import { audio, play, silence, wake } from "/page/sound.js";

const ROUNDS = 6, ENOUGH = 5, TONE_S = 0.9, GAP_S = 0.4, TONE_HZ = 200, LEVEL = 0.25, QUIETER = 0.5;

/** Resolves to how many of six were right; 0 for who has no headphones. */
export async function headphones() {
  let right = 0;
  for (let round = 1; round <= ROUNDS; round += 1) {
    const kinds = shuffled(["plain", "quiet", "against"]);
    const answered = await ask(round, buffer(kinds));
    if (answered === null) return 0;
    right += kinds[answered - 1] === "quiet";
  }
  if (right < ENOUGH) {
    await page("That was hard", [element("p", {}, "With headphones on, the tones are usually easy to " +
      "tell apart. If you have some, please put them on now. You can go on either way.")], "Go on");
  }
  return right;
}

function ask(round, tones) {
  return new Promise((resolve) => {
    let chosen = null;
    const done = (value) => { off(); silence(); resolve(value); };
    const next = button("Next", () => done(chosen));
    next.disabled = true;
    const asked = choices("Which tone is the quietest?",
      [1, 2, 3].map((value) => ({ value, mark: String(value), text: ["first", "second", "third"][value - 1] })),
      (value) => { chosen = value; next.disabled = false; });
    const listen = async () => {
      await wake();
      play(tones, (whole) => {
        if (!whole) return;
        asked.box.disabled = false;
        say("Now choose: first, second or third.");
      });
      say("playing three tones");
    };
    const off = keys({ " ": listen, 1: () => asked.choose(1), 2: () => asked.choose(2), 3: () => asked.choose(3),
      enter: () => { if (!next.disabled) next.click(); } });
    show(`Headphones: ${round} of ${ROUNDS}`, [
      element("p", {}, "Please wear headphones, and set the volume so that all is pleasant to hear. There are three " +
        "tones, one after the other."),
      element("div", { class: "row" }, button("Play the tones", listen)),
      asked.box,
      element("div", { class: "row" }, next, button("I have no headphones here", () => done(null), true)),
      element("p", { class: "keys" }, element("kbd", {}, "Space"), " plays, ", element("kbd", {}, "1"), " to ",
        element("kbd", {}, "3"), " choose, ", element("kbd", {}, "Enter"), " goes on"),
    ]);
  });
}

/** Three tones in one buffer of two channels. */
function buffer(kinds) {
  const rate = audio().sampleRate;
  const made = audio().createBuffer(2, Math.round(rate * (3 * TONE_S + 2 * GAP_S)), rate);
  kinds.forEach((kind, n) => {
    const first = Math.round(n * (TONE_S + GAP_S) * rate), length = Math.round(TONE_S * rate);
    const gain = LEVEL * (kind === "quiet" ? QUIETER : 1);
    for (let at = 0; at < length; at += 1) {
      const fade = Math.min(1, at / (0.1 * rate), (length - at) / (0.1 * rate));
      const value = gain * fade * Math.sin(2 * Math.PI * TONE_HZ * at / rate);
      made.getChannelData(0)[first + at] = value;
      made.getChannelData(1)[first + at] = kind === "against" ? -value : value;
    }
  });
  return made;
}

function shuffled(items) {
  const left = [...items];
  return items.map(() => left.splice(Math.floor(Math.random() * left.length), 1)[0]);
}
