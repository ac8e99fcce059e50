/** The panel's buttons. */

import { button } from 'sparkk8s-views/shared.js';

/** A button of the views in the panel's look, which also says what it does where one points at it. */
export function panelButton(text: string, title: string, click: () => void): HTMLButtonElement {
  const made = button(text, title, click);
  made.className = 'jp-Spark-button';
  made.title = title;
  return made;
}
