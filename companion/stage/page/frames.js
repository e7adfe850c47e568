// What is drawn in every frame, all at once; with reduced motion four times a second.
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const drawing = new Set();
const CALM_MS = 250;
let last = 0;

export const isCalm = () => calm.matches;

export function onFrame(draw) {
  drawing.add(draw);
  return () => drawing.delete(draw);
}

function frame(now) {
  requestAnimationFrame(frame);
  if (document.hidden || (calm.matches && now < last + CALM_MS)) return;
  last = now;
  for (const draw of drawing) draw(now);
}

requestAnimationFrame(frame);
