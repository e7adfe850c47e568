// Markup in plain modules: `html` makes what preact draws.
import { h } from "preact";
import htm from "htm";

export const html = htm.bind(h);
