// What is drawn as time goes by, all at once: as often as there is news, and with reduced motion
// four times a second.
const EACH_MS = 30; // every other frame of most screens: the machine has music to make
const CALM_MS = 250;
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const drawing = new Set();
let last = 0;

export const isCalm = () => calm.matches;

export function onFrame(draw) {
  drawing.add(draw);
  return () => drawing.delete(draw);
}

function frame(now) {
  requestAnimationFrame(frame);
  if (now < last + (calm.matches ? CALM_MS : EACH_MS)) return;
  last = now;
  for (const draw of drawing) draw(now);
}

requestAnimationFrame(frame);
