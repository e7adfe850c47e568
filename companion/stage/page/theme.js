// Dark or light: as the system has it, until the page is told otherwise.
import { useEffect, useState } from "preact/hooks";

const KEY = "companion-theme";
const light = matchMedia("(prefers-color-scheme: light)");
const watching = new Set();

export const theme = () => localStorage.getItem(KEY) ?? (light.matches ? "light" : "dark");

function apply() {
  document.documentElement.dataset.theme = theme();
  for (const watch of watching) watch(theme());
}

export function toggleTheme() {
  localStorage.setItem(KEY, theme() === "dark" ? "light" : "dark");
  apply();
}

export function useTheme() {
  const [now, draw] = useState(theme());
  useEffect(() => {
    watching.add(draw);
    return () => watching.delete(draw);
  }, []);
  return now;
}

light.addEventListener("change", apply);
apply();
